/** Part of a message that is more than text, as OpenAI's API has it. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } }

/** A message as OpenAI's API has it. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string | readonly ContentPart[]
}

export interface ChatParameters {
  readonly messages: readonly ChatMessage[]
  readonly maxTokens?: number
  readonly temperature?: number
  /** As OpenAI's API has it: `json_schema` for an answer of a given form. */
  readonly responseFormat?: object
  /** Functions that the model may ask to be called, as OpenAI's API has them. */
  readonly tools?: readonly object[]
  readonly stream: boolean
}

/** The body of a chat request. A stream asks for usage, so that the broker need not rewrite the body. */
export const chatBody = ({
  messages,
  maxTokens,
  temperature,
  responseFormat,
  tools,
  stream,
}: ChatParameters): Record<string, unknown> => ({
  messages,
  ...(maxTokens !== undefined && { max_tokens: maxTokens }),
  ...(temperature !== undefined && { temperature }),
  ...(responseFormat && { response_format: responseFormat }),
  ...(tools && { tools }),
  ...(stream && { stream: true, stream_options: { include_usage: true } }),
})
