import type { Token } from 'node-llama-cpp'
import { answerStream, answerWhole, type ChunkFormat } from '../answer.ts'
import { type EngineRequest, requireModel, sendJson } from '../engineRequest.ts'
import { optionalBoolean } from '../fields.ts'
import { unsupported } from '../openAiError.ts'
import { textTokens } from '../prompt.ts'

/**
 * `POST /v1/completions`
 *
 * @see https://platform.openai.com/docs/api-reference/completions/create
 */
export async function completions(request: EngineRequest): Promise<void> {
  requireModel(request)
  const prompt = readPrompt(request)
  const id = `cmpl-${request.id}`
  const head = {
    id,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: request.loaded.id,
  }
  if (optionalBoolean(request.body, 'stream') === true)
    return answerStream(request, prompt, chunkFormat(head))
  const { text, finishReason, usage } = await answerWhole(request, prompt)
  sendJson(request.response, 200, { ...head, choices: choices(text, finishReason), usage })
}

function readPrompt({ loaded, body }: EngineRequest): Token[] {
  const { prompt } = body
  const isList = Array.isArray(prompt) && prompt.some((item) => typeof item !== 'number')
  if (!isList) return textTokens(loaded, prompt)
  if (prompt.length !== 1) throw unsupported('prompt', 'This engine takes one prompt in a request.')
  return textTokens(loaded, prompt[0])
}

function chunkFormat(head: object): ChunkFormat {
  return {
    first: () => undefined,
    text: (text) => ({ ...head, choices: choices(text, null) }),
    last: (finishReason) => ({ ...head, choices: choices('', finishReason) }),
    usage: () => ({ ...head, choices: [] }),
  }
}

function choices(text: string, finish_reason: string | null): object[] {
  return [{ index: 0, text, logprobs: null, finish_reason }]
}
