/** End-of-text and other control tokens that are generated and not delivered. */
export const HIDDEN_TOKENS = 16

const encoder = new TextEncoder()

type Generated = Readonly<Record<string, unknown>>

/** What was generated in a choice of OpenAI's APIs, whole or of one frame: text, reasoning, calls of tools. */
export function generatedIn(choice: unknown): Generated {
  const { delta, message, text } = fieldsOf(choice)
  const { role: _role, ...generated } = fieldsOf(delta ?? message ?? { content: text })
  return generated
}

/** The same of a block of Anthropic's messages, or of a piece of one. */
export function generatedInBlock(block: unknown): Generated {
  const { type: _type, ...generated } = fieldsOf(block)
  return generated
}

/** UTF-8 bytes of all strings in a value, however deep. */
export function stringBytes(value: unknown): number {
  if (typeof value === 'string') return encoder.encode(value).length
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce<number>((sum, item) => sum + stringBytes(item), 0)
}

/**
 * The most tokens that an answer can count, whatever an engine says: each stands for at least one byte of what was
 * delivered. A broker charges no more, and a client rejects what is more.
 * @param maxTokens that were asked for
 * @param delivered bytes, by `stringBytes` of what was generated
 */
export const outputBound = (maxTokens: number, delivered: number): number =>
  Math.min(maxTokens, delivered + HIDDEN_TOKENS)

/** Images of an answer that are there to be had. */
export const imagesIn = (data: unknown): number =>
  Array.isArray(data) ? data.filter((item) => isText(item?.b64_json) || isText(item?.url)).length : 0

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

const fieldsOf = (value: unknown): Generated =>
  typeof value === 'object' && value !== null ? (value as Generated) : {}
