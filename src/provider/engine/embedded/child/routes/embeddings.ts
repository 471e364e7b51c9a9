import type { Token } from 'node-llama-cpp'
import { type EngineRequest, requireModel, sendJson } from '../engineRequest.ts'
import { isAbsent, optionalInteger } from '../fields.ts'
import { badRequest, contextLengthExceeded, unsupported } from '../openAiError.ts'
import { embeddingTokens } from '../prompt.ts'

/** `POST /v1/embeddings`: unit vectors, as floats or base64. */
export async function embeddings(request: EngineRequest): Promise<void> {
  requireModel(request)
  const { loaded, body, signal, response } = request
  const encode = readEncoding(request)
  const inputs = readInputs(request)
  const context = await loaded.embeddingContext()
  const data: object[] = []
  for (const [index, tokens] of inputs.entries()) {
    signal.throwIfAborted()
    const { vector } = await context.getEmbeddingFor(tokens)
    data.push({ object: 'embedding', index, embedding: encode(normalise(vector)) })
  }
  const promptTokens = inputs.reduce((sum, tokens) => sum + tokens.length, 0)
  const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens }
  sendJson(response, 200, { object: 'list', data, model: body.model, usage })
}

function readInputs({ loaded, body }: EngineRequest): Token[][] {
  const { input } = body
  const isOne = typeof input === 'string' || (Array.isArray(input) && typeof input[0] === 'number')
  const items: unknown[] = isOne ? [input] : Array.isArray(input) ? input : []
  if (items.length === 0)
    throw badRequest("'input' must be a string, token ids, or an array of them.", 'input')
  return items.map((item) => {
    const tokens = embeddingTokens(loaded, item)
    if (tokens.length === 0) throw badRequest("'input' must not be empty.", 'input')
    if (tokens.length >= loaded.contextLength)
      throw contextLengthExceeded(loaded.contextLength, tokens.length)
    return tokens
  })
}

function readEncoding({
  loaded,
  body,
}: EngineRequest): (vector: readonly number[]) => readonly number[] | string {
  const size = loaded.model.embeddingVectorSize
  const dimensions = optionalInteger(body, 'dimensions', 1, Number.MAX_SAFE_INTEGER)
  if (dimensions !== undefined && dimensions !== size)
    throw unsupported('dimensions', `This model's embeddings have ${size} dimensions.`)
  const format = body.encoding_format
  if (isAbsent(format) || format === 'float') return (vector) => vector
  if (format === 'base64') return (vector) => Buffer.from(Float32Array.from(vector).buffer).toString('base64')
  throw badRequest("'encoding_format' must be float or base64.", 'encoding_format')
}

function normalise(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector)
  return length === 0 ? [...vector] : vector.map((value) => value / length)
}
