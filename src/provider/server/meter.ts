import { generatedIn, stringBytes } from '../../protocol/generated.ts'
import type { Counts, Prices } from '../../protocol/pricing.ts'

/** Tokens as the engine reports them. */
export interface Usage {
  readonly input: number
  readonly output: number
  /** The part of `input` that came from the engine's cache. */
  readonly cached: number
}

/** Reads an answer, or its stream frame by frame, and knows what was delivered. */
export interface AnswerMeter {
  /** What the engine counted, once it has said so. */
  readonly usage: Usage | null
  /** What it has said of an answer that is under way, with the frames so far as its tokens. */
  readonly soFar: Usage | null
  /** Frames with generated content: each is at least one token. */
  readonly deltas: number
  /** UTF-8 bytes of what was generated so far, as a client counts them. */
  readonly generatedBytes: number
  /** Generated text so far, or null when it was not kept in full. */
  readonly text: string | null
  /** Takes note of one body or stream frame; what is not JSON counts nothing. */
  read(json: string): void
}

interface OpenAiBody {
  readonly usage?: {
    readonly prompt_tokens?: unknown
    readonly completion_tokens?: unknown
    readonly prompt_tokens_details?: { readonly cached_tokens?: unknown } | null
  } | null
  readonly choices?: readonly {
    readonly text?: unknown
    readonly delta?: Readonly<Record<string, unknown>>
    readonly message?: Readonly<Record<string, unknown>>
  }[]
}

/** Text of an answer that is kept for the tokenizer, at most; longer answers count their frames. */
const MAX_KEPT_TEXT = 1 << 20

/** Counts what an answer delivers: the engine's usage, else text for the model's own tokenizer, never words. */
export class Meter implements AnswerMeter {
  usage: Usage | null = null
  readonly soFar = null
  deltas = 0
  generatedBytes = 0
  #text = ''

  read(json: string): void {
    const body = parseAnswer(json) as OpenAiBody | null
    if (!body) return
    const {
      prompt_tokens: input,
      completion_tokens: output = 0,
      prompt_tokens_details: details,
    } = body.usage ?? {}
    const cached = details?.cached_tokens ?? 0
    if (isCount(input) && isCount(output))
      this.usage = { input, output, cached: isCount(cached) ? Math.min(cached, input) : 0 }
    const choices = body.choices ?? []
    for (const choice of choices) this.generatedBytes += stringBytes(generatedIn(choice))
    const text = choices.map(contentOf).join('')
    if (!text && !choices.some(hasCalls)) return
    this.deltas++
    if (!this.usage && this.#text.length < MAX_KEPT_TEXT) this.#text += text
  }

  get text(): string | null {
    return this.#text.length < MAX_KEPT_TEXT ? this.#text : null
  }
}

/** Usage as counts to charge; cached tokens apart where they have a price of their own. */
export function countsOf({ input, output, cached }: Usage, prices: Prices): Counts {
  if (cached === 0 || prices.cachedInput === undefined) return { input, output }
  return { input: input - cached, cachedInput: cached, output }
}

type Choice = NonNullable<OpenAiBody['choices']>[number]

function contentOf({ text, delta, message }: Choice): string {
  const part = delta ?? message ?? {}
  const strings = [text, part.content, part.reasoning_content, part.reasoning, part.refusal]
  return [...strings, ...callsIn(part.tool_calls)].filter((value) => typeof value === 'string').join('')
}

const hasCalls = ({ delta, message }: Choice): boolean => (delta ?? message)?.tool_calls !== undefined

/** What a model wrote of its calls: the JSON around it is the engine's. */
const callsIn = (calls: unknown): unknown[] =>
  (Array.isArray(calls) ? calls : []).flatMap((call) => [call?.function?.name, call?.function?.arguments])

/** A body or the data of a frame, where that is an object. */
export function parseAnswer(json: string): object | null {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0
