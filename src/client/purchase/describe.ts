import { sha256Text } from '../../protocol/canonical.ts'
import type { Needs } from '../routing/preferences.ts'
import { ENDPOINTS } from './endpoints.ts'
import type { BodySpec } from './prepareBody.ts'

/** What a request needs of a model, read from its body. */
export function needsOf({ endpoint, body }: BodySpec): Needs {
  return {
    kind: ENDPOINTS[endpoint],
    tools: Array.isArray(body.tools) && body.tools.length > 0,
    vision: messagesOf(body).some(hasImage),
  }
}

/**
 * What tells a conversation from others: how it begins, up to the first word of the user. Hashed, so that no prompt
 * is kept. Undefined where there is none.
 */
export function conversationOf({ body }: BodySpec): string | undefined {
  const messages = messagesOf(body)
  const first = messages.findIndex((message) => (message as { role?: unknown }).role === 'user')
  return first < 0 ? undefined : sha256Text(JSON.stringify(messages.slice(0, first + 1)))
}

const messagesOf = ({ messages }: BodySpec['body']): object[] =>
  Array.isArray(messages) ? messages.filter((message) => typeof message === 'object' && message !== null) : []

function hasImage(message: object): boolean {
  const { content } = message as { content?: unknown }
  return (
    Array.isArray(content) &&
    content.some((part) => (part as { type?: unknown } | null)?.type === 'image_url')
  )
}
