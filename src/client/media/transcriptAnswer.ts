import { brokerError } from '../brokerError.ts'
import { ChatAnswer, parseBody } from '../chatAnswer.ts'

/** What was heard: JSON with a text in it, or the text itself, as the caller asked for it. */
export class TranscriptAnswer extends ChatAnswer {
  readonly #isJson: boolean

  constructor(isJson: boolean) {
    super()
    this.#isJson = isJson
  }

  override read(body: string): string {
    this.text = this.#isJson ? textIn(body) : body
    this.deliveredBytes = new TextEncoder().encode(body).length
    return this.text
  }
}

function textIn(body: string): string {
  const { text, error } = parseBody(body, '/v1/audio/transcriptions')
  if (error) throw brokerError(502, body)
  return typeof text === 'string' ? text : ''
}
