import { request } from 'undici'
import { AppError } from '../../base/errors.ts'
import type { PromptBody } from './engine.ts'

/** Where an engine's tokenizer answers, next to its `/v1`. */
export interface TokenizeEndpoint {
  /** The engine's base, ending in `/v1`. */
  readonly baseUrl: string
  readonly headers: Readonly<Record<string, string>>
}

const TIMEOUT = 10_000

/**
 * Counts the tokens of a request body through `POST /tokenize` in vLLM's shape.
 * Undefined when the engine refuses the body or answers in another shape.
 *
 * @see https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html#tokenizer-api
 * @throws AppError `engine_unreachable`
 */
export async function countPromptTokens(
  endpoint: TokenizeEndpoint,
  body: PromptBody,
): Promise<number | undefined> {
  const { model, messages, tools } = body
  if (messages !== undefined) {
    const tokenized = { model, messages, add_generation_prompt: true, ...(tools !== undefined && { tools }) }
    return readCount(await postJson(endpoint, '/tokenize', tokenized))
  }
  const field = body.prompt === undefined ? 'input' : 'prompt'
  let total = 0
  for (const item of promptItems(body[field])) {
    const count = Array.isArray(item)
      ? item.length
      : readCount(await postJson(endpoint, '/tokenize', { model, prompt: item, ...embeddingMark(field) }))
    if (count === undefined) return undefined
    total += count
  }
  return total
}

/** Counts the tokens of a text, without special tokens. */
export async function countTextTokens(
  endpoint: TokenizeEndpoint,
  model: string,
  text: string,
): Promise<number | undefined> {
  return readCount(await postJson(endpoint, '/tokenize', { model, prompt: text, add_special_tokens: false }))
}

/** One prompt, or several, of text or of token ids, as OpenAI's `prompt` and `input` allow. */
export function promptItems(value: unknown): unknown[] {
  if (!Array.isArray(value)) return [value]
  return value.every((item) => typeof item === 'number') ? [value] : value
}

/** Embedding models may close an input with a token that a prompt does not get; servers ignore unknown fields. */
function embeddingMark(field: 'prompt' | 'input'): { embedding?: true } {
  return field === 'input' ? { embedding: true } : {}
}

function readCount(answer: unknown): number | undefined {
  if (typeof answer !== 'object' || answer === null || !('count' in answer)) return undefined
  return typeof answer.count === 'number' ? answer.count : undefined
}

/**
 * Posts JSON beside the engine's `/v1`. Undefined for any answer other than 200.
 *
 * @throws AppError `engine_unreachable`
 */
export async function postJson(endpoint: TokenizeEndpoint, path: string, body: unknown): Promise<unknown> {
  const url = endpoint.baseUrl.replace(/\/v1$/, '') + path
  try {
    const response = await request(url, {
      method: 'POST',
      headers: { ...endpoint.headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      headersTimeout: TIMEOUT,
      bodyTimeout: TIMEOUT,
    })
    const text = await response.body.text()
    return response.statusCode === 200 ? parseJson(text) : undefined
  } catch (cause) {
    throw new AppError({
      code: 'engine_unreachable',
      message: 'The engine did not answer when it was asked to count tokens.',
      hint: 'It may be restarting; the same request may succeed in a few seconds.',
      retryable: true,
      status: 503,
      cause,
    })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
