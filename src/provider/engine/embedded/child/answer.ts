import type { Token } from 'node-llama-cpp'
import type { EngineRequest } from './engineRequest.ts'
import { isObject, optionalBoolean } from './fields.ts'
import { type FinishReason, generate } from './generate.ts'
import { readResponseFormat } from './grammar.ts'
import { badRequest, contextLengthExceeded } from './openAiError.ts'
import { readSampling } from './sampling.ts'
import { SseStream } from './sseStream.ts'

export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details: { readonly cached_tokens: number }
}

export interface WholeAnswer {
  readonly text: string
  readonly finishReason: FinishReason
  readonly usage: Usage
}

/** How an endpoint words the events of its stream. */
export interface ChunkFormat {
  /** Sent once, with the first token; undefined where the format has no such event. */
  first(): object | undefined
  text(text: string): object
  last(finishReason: FinishReason): object
  /** An event that holds nothing but the usage. */
  usage(): object
}

/** Generates the whole answer. @throws OpenAiError */
export async function answerWhole(request: EngineRequest, prompt: readonly Token[]): Promise<WholeAnswer> {
  let text = ''
  let completionTokens = 0
  const finishReason = await run(request, prompt, async (piece) => {
    text += piece.text
    completionTokens = piece.completionTokens
  })
  return { text, finishReason, usage: usageOf(prompt.length, completionTokens) }
}

/** Generates the answer as server-sent events. @throws OpenAiError before the first event */
export async function answerStream(
  request: EngineRequest,
  prompt: readonly Token[],
  format: ChunkFormat,
): Promise<void> {
  const { includeUsage, continuousUsage } = readStreamOptions(request)
  const stream = new SseStream(request.response, request.signal)
  let completionTokens = 0
  let isBegun = false

  const withUsage = (event: object): object => {
    if (continuousUsage) return { ...event, usage: usageOf(prompt.length, completionTokens) }
    return includeUsage ? { ...event, usage: null } : event
  }
  const begin = async (): Promise<void> => {
    isBegun = true
    const first = format.first()
    if (first !== undefined) await stream.send(withUsage(first))
  }

  const finishReason = await run(request, prompt, async (piece) => {
    if (!isBegun) await begin()
    completionTokens = piece.completionTokens
    if (piece.text !== '') await stream.send(withUsage(format.text(piece.text)))
  })
  if (!isBegun) await begin()
  await stream.send(withUsage(format.last(finishReason)))
  if (includeUsage) await stream.send({ ...format.usage(), usage: usageOf(prompt.length, completionTokens) })
  stream.end()
}

async function run(
  { loaded, body, signal }: EngineRequest,
  prompt: readonly Token[],
  take: (piece: { text: string; completionTokens: number }) => Promise<void>,
): Promise<FinishReason> {
  requireRoom(loaded.contextLength, prompt)
  const sampling = readSampling(body)
  const grammar = await readResponseFormat(loaded, body)
  return loaded.sequences.use(signal, async (sequence) => {
    const pieces = generate(loaded, sequence, { prompt, sampling, grammar, signal })
    try {
      for (;;) {
        const next = await pieces.next()
        if (next.done === true) return next.value
        await take(next.value)
      }
    } finally {
      await pieces.return('stop')
    }
  })
}

function requireRoom(contextLength: number, prompt: readonly Token[]): void {
  if (prompt.length === 0) throw badRequest('The prompt must not be empty.', 'prompt')
  if (prompt.length >= contextLength) throw contextLengthExceeded(contextLength, prompt.length)
}

function readStreamOptions({ body }: EngineRequest): { includeUsage: boolean; continuousUsage: boolean } {
  const options = isObject(body.stream_options) ? body.stream_options : {}
  return {
    includeUsage: optionalBoolean(options, 'include_usage') ?? false,
    continuousUsage: optionalBoolean(options, 'continuous_usage_stats') ?? false,
  }
}

/** No cache is shared between requests, so no prompt token is ever a cached one. */
function usageOf(promptTokens: number, completionTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: 0 },
  }
}
