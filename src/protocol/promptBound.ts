/** Tokens that a chat template or a default system prompt may add to what stands in the body. */
const TEMPLATE_TOKENS = 64
/** What one image or recording is taken for where the context of the model is not known. */
const MEDIA_TOKENS = 16_384
/** Parts of a message that are text to a model, as OpenAI and Anthropic name them. */
const TEXT_PARTS = new Set(['text', 'refusal', 'thinking', 'redacted_thinking', 'tool_use'])

type Body = Readonly<Record<string, unknown>>

/**
 * The most tokens that the prompt of a request can become. A byte of text is at most one; what an engine makes of an
 * image or a recording, which may be an address of a few bytes, only the context of its model bounds.
 * @param bytes of the body
 * @param contextLength tokens; null where the provider does not say
 */
export function promptBound(bytes: number, body: Body, contextLength: number | null): number {
  const media = mediaIn(body)
  const text = bytes + TEMPLATE_TOKENS
  if (media === 0) return text
  return contextLength ?? text + media * MEDIA_TOKENS
}

/** Parts of the messages that are not text. */
export const mediaIn = ({ messages }: Body): number =>
  listOf(messages).reduce<number>((sum, message) => sum + mediaOf(contentOf(message)), 0)

const mediaOf = (content: unknown): number =>
  listOf(content).reduce<number>((sum, part) => {
    const type = (part as { type?: unknown } | null)?.type
    if (type === 'tool_result') return sum + mediaOf(contentOf(part))
    return sum + (TEXT_PARTS.has(type as string) ? 0 : 1)
  }, 0)

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const contentOf = (value: unknown): unknown => (value as { content?: unknown } | null)?.content
