import { malformedAnswer } from './brokerError.ts'

/** Longest line: as much as brokers take of an engine. */
const MAX_LINE = 16 * 1024 * 1024

/**
 * Splits a stream of server-sent events into the data of each, across any cut between pieces.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class EventSplitter {
  readonly #decoder = new TextDecoder()
  #rest = ''
  #data: string[] = []

  /** @returns the data of every event that this piece completes @throws AppError `provider_answer_malformed` */
  push(bytes: Uint8Array): string[] {
    return this.#take(this.#decoder.decode(bytes, { stream: true }))
  }

  /** The data of a last event that has no blank line after it. */
  end(): string[] {
    return this.#take(`${this.#decoder.decode()}\n\n`)
  }

  #take(text: string): string[] {
    const lines = (this.#rest + text).split(/\r\n|\n/)
    this.#rest = lines.pop()!
    if (this.#rest.length > MAX_LINE) throw malformedAnswer('a request for a stream')
    const events: string[] = []
    for (const line of lines) {
      if (line === '') this.#dispatch(events)
      else if (line.startsWith('data:')) this.#data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
    return events
  }

  #dispatch(events: string[]): void {
    if (this.#data.length > 0) events.push(this.#data.join('\n'))
    this.#data = []
  }
}
