import { generatedInBlock, stringBytes } from '../../protocol/generated.ts'
import { type AnswerMeter, isCount, parseAnswer, type Usage } from './meter.ts'

interface AnthropicUsage {
  readonly input_tokens?: unknown
  readonly output_tokens?: unknown
  readonly cache_read_input_tokens?: unknown
  readonly cache_creation_input_tokens?: unknown
}

interface AnthropicBody {
  readonly type?: unknown
  readonly content?: unknown
  readonly content_block?: unknown
  readonly delta?: unknown
  readonly usage?: AnthropicUsage | null
  readonly message?: { readonly usage?: AnthropicUsage | null } | null
}

/**
 * Counts what an answer of Anthropic's Messages API delivers. A stream states the prompt in `message_start` and the
 * answer so far in each `message_delta`; tokens read from a cache are not among `input_tokens` there.
 * @see https://docs.anthropic.com/en/docs/build-with-claude/streaming
 */
export class MessagesMeter implements AnswerMeter {
  usage: Usage | null = null
  deltas = 0
  generatedBytes = 0
  /** Messages have no tokenizer of the broker's: blocks, tools and system prompt are the engine's to render. */
  readonly text = null
  #start: Usage | null = null

  read(json: string): void {
    const body = parseAnswer(json) as AnthropicBody | null
    if (!body) return
    for (const block of blocksIn(body)) this.generatedBytes += stringBytes(generatedInBlock(block))
    if (body.type === 'content_block_delta') this.deltas++
    else if (body.type === 'message_start') this.#start = usageOf(body.message?.usage)
    else if (body.type === 'message_delta') this.usage = usageOf({ ...this.#said(), ...body.usage })
    else if (body.type === 'message') this.usage = usageOf(body.usage)
  }

  get soFar(): Usage | null {
    return this.#start && { ...this.#start, output: Math.max(this.#start.output, this.deltas) }
  }

  /** What `message_start` said, which later events need not repeat. */
  #said(): AnthropicUsage {
    const { input, cached } = this.#start ?? { input: undefined, cached: undefined }
    return input === undefined ? {} : { input_tokens: input - (cached ?? 0), cache_read_input_tokens: cached }
  }
}

function blocksIn({ type, content, content_block, delta }: AnthropicBody): readonly unknown[] {
  if (type === 'message') return Array.isArray(content) ? content : []
  if (type === 'content_block_start') return [content_block]
  return type === 'content_block_delta' ? [delta] : []
}

/** Whether a frame is the last one of a stream of messages. */
export const isMessageStop = (data: string): boolean =>
  data.includes('message_stop') && (parseAnswer(data) as AnthropicBody | null)?.type === 'message_stop'

function usageOf(usage: AnthropicUsage | null | undefined): Usage | null {
  const { input_tokens: fresh, output_tokens: output, ...cache } = usage ?? {}
  if (!isCount(fresh) || !isCount(output)) return null
  const { cache_read_input_tokens: read, cache_creation_input_tokens: written } = cache
  const cached = isCount(read) ? read : 0
  return { input: fresh + cached + (isCount(written) ? written : 0), output, cached }
}
