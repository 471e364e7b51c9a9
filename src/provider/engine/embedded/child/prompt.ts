import type { Token } from 'node-llama-cpp'
import { type Body, isAbsent, isObject } from './fields.ts'
import type { LoadedModel } from './loadModel.ts'
import { badRequest, unsupported } from './openAiError.ts'

/**
 * The tokens of a chat prompt: the model's template over the messages, then the model's tokenizer with special
 * tokens read from the text, exactly as Hugging Face's `apply_chat_template` gives them.
 */
export function chatTokens(loaded: LoadedModel, body: Body, addGenerationPrompt = true): Token[] {
  const template = loaded.chatTemplate
  if (template === undefined)
    throw badRequest('This model has no chat template. Use /v1/completions.', 'model', 'no_chat_template')
  const tools = Array.isArray(body.tools) && body.tools.length > 0 ? body.tools : undefined
  return loaded.model.tokenize(template.render(readMessages(body.messages), tools, addGenerationPrompt), true)
}

/** The tokens of a plain prompt, with the begin token where the model wants one. Token ids are taken as they are. */
export function textTokens(loaded: LoadedModel, prompt: unknown, addSpecialTokens = true): Token[] {
  if (typeof prompt === 'string') {
    const tokens = loaded.model.tokenize(prompt, true)
    const { bos, shouldPrependBosToken } = loaded.model.tokens
    const needsBos = addSpecialTokens && shouldPrependBosToken && bos !== null && tokens[0] !== bos
    return needsBos ? [bos, ...tokens] : tokens
  }
  return readTokenIds(loaded, prompt)
}

/** As a plain prompt, with the end token where the model closes its inputs with one. */
export function embeddingTokens(loaded: LoadedModel, input: unknown): Token[] {
  const tokens = textTokens(loaded, input)
  const { eos, shouldAppendEosToken } = loaded.model.tokens
  const needsEos = typeof input === 'string' && shouldAppendEosToken && eos !== null && tokens.at(-1) !== eos
  return needsEos ? [...tokens, eos] : tokens
}

function readTokenIds(loaded: LoadedModel, value: unknown): Token[] {
  const vocabulary = loaded.model.fileInfo.metadata.tokenizer.ggml.tokens.length
  const isToken = (item: unknown): item is Token =>
    Number.isInteger(item) && Number(item) >= 0 && Number(item) < vocabulary
  if (!Array.isArray(value) || !value.every(isToken))
    throw badRequest('A prompt must be a string or an array of token ids of this model.')
  return value
}

interface Message extends Body {
  readonly role: string
  readonly content: string
}

function readMessages(value: unknown): Message[] {
  if (!Array.isArray(value) || value.length === 0)
    throw badRequest("'messages' must be an array with at least one message.", 'messages')
  return value.map(readMessage)
}

function readMessage(message: unknown): Message {
  if (!isObject(message) || typeof message.role !== 'string')
    throw badRequest("Each message must be an object with a 'role'.", 'messages')
  // OpenAI's newer name for the same role; templates know the older one.
  const role = message.role === 'developer' ? 'system' : message.role
  return { ...message, role, content: readContent(message.content) }
}

/** Text parts are joined by a line break, as vLLM does for templates that take text. */
function readContent(content: unknown): string {
  if (typeof content === 'string') return content
  if (isAbsent(content)) return ''
  if (!Array.isArray(content))
    throw badRequest("A message's 'content' must be a string or an array of parts.", 'messages')
  return content.map(readPart).join('\n')
}

function readPart(part: unknown): string {
  if (isObject(part) && part.type === 'text' && typeof part.text === 'string') return part.text
  throw unsupported('messages', 'This model takes text only.')
}
