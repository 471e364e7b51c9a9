import { randomInt } from 'node:crypto'
import { type Body, isAbsent, isObject, optionalBoolean, optionalInteger, optionalNumber } from './fields.ts'
import { badRequest, unsupported } from './openAiError.ts'

/** How to choose tokens and when to end. */
export interface Sampling {
  readonly temperature: number
  readonly topP: number
  readonly topK: number
  readonly minP: number
  readonly seed: number
  readonly frequencyPenalty: number
  readonly presencePenalty: number
  readonly stop: readonly string[]
  /** Undefined: as many as the context holds. */
  readonly maxTokens: number | undefined
  /** Goes on after the model's end token; for measurements. vLLM and llama-server have it too. */
  readonly ignoreEos: boolean
}

/** What holds where a request says nothing: llama.cpp's defaults, a little cooler. Temperature 0 is greedy. */
export const SAMPLING_DEFAULTS = { temperature: 0.7, topP: 0.95, topK: 40, minP: 0.05 }

const LONGEST = 2 ** 31 - 1
const MOST_STOPS = 16

/** @throws OpenAiError 400 for a value that is wrong or that this engine cannot honour */
export function readSampling(body: Body): Sampling {
  refuseUnsupported(body)
  const maxTokens =
    optionalInteger(body, 'max_completion_tokens', 1, LONGEST) ??
    optionalInteger(body, 'max_tokens', 1, LONGEST)
  return {
    temperature: optionalNumber(body, 'temperature', 0, 2) ?? SAMPLING_DEFAULTS.temperature,
    topP: optionalNumber(body, 'top_p', 0, 1) ?? SAMPLING_DEFAULTS.topP,
    topK: Math.max(0, optionalInteger(body, 'top_k', -1, LONGEST) ?? SAMPLING_DEFAULTS.topK),
    minP: optionalNumber(body, 'min_p', 0, 1) ?? SAMPLING_DEFAULTS.minP,
    seed: readSeed(body),
    frequencyPenalty: optionalNumber(body, 'frequency_penalty', -2, 2) ?? 0,
    presencePenalty: optionalNumber(body, 'presence_penalty', -2, 2) ?? 0,
    stop: readStop(body.stop),
    maxTokens,
    ignoreEos: optionalBoolean(body, 'ignore_eos') ?? false,
  }
}

/** llama.cpp's seeds have 32 bits; larger ones and negative ones are folded into them. */
function readSeed(body: Body): number {
  const seed = optionalInteger(body, 'seed', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  return seed === undefined ? randomInt(2 ** 32) : Number(BigInt.asUintN(32, BigInt(seed)))
}

function readStop(value: unknown): readonly string[] {
  if (isAbsent(value)) return []
  const stops: unknown[] = Array.isArray(value) ? value : [value]
  const isText = (stop: unknown): stop is string => typeof stop === 'string' && stop.length > 0
  if (!stops.every(isText) || stops.length > MOST_STOPS)
    throw badRequest(`'stop' must be a string, or at most ${MOST_STOPS} strings, none of them empty.`, 'stop')
  return stops
}

/** A parameter that changes the answer is refused rather than ignored. */
function refuseUnsupported(body: Body): void {
  for (const name of ['n', 'best_of']) {
    const value = optionalInteger(body, name, 0, LONGEST)
    if (value !== undefined && value !== 1)
      throw unsupported(name, `'${name}' must be 1: this engine gives one answer.`)
  }
  const asksLogprobs =
    typeof body.logprobs === 'number' || body.logprobs === true || !isAbsent(body.top_logprobs)
  if (asksLogprobs) throw unsupported('logprobs', 'This engine does not report log probabilities.')
  if (isObject(body.logit_bias) && Object.keys(body.logit_bias).length > 0)
    throw unsupported('logit_bias', 'This engine does not take logit biases.')
  if (body.echo === true) throw unsupported('echo', 'This engine does not repeat the prompt.')
  if (!isAbsent(body.suffix) && body.suffix !== '')
    throw unsupported('suffix', 'This engine does not insert text.')
  const hasTools = Array.isArray(body.tools) && body.tools.length > 0 && body.tool_choice !== 'none'
  if (hasTools) throw unsupported('tools', 'This engine does not call tools.')
}
