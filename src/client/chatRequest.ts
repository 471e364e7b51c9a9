/** A message as OpenAI's API has it. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string
}

export interface ChatParameters {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  readonly maxTokens: number
  readonly temperature?: number
  readonly stream: boolean
}

/**
 * The request body, made once: these bytes are hashed and these bytes are sent.
 * A stream asks for usage, so that the broker need not rewrite the body.
 */
export function chatBody({ model, messages, maxTokens, temperature, stream }: ChatParameters): Uint8Array {
  const body = {
    model,
    messages,
    max_tokens: maxTokens,
    ...(temperature !== undefined && { temperature }),
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
  }
  return new TextEncoder().encode(JSON.stringify(body))
}
