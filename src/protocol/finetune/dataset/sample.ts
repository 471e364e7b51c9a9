/** One turn of a conversation. */
export interface Message {
  readonly role: (typeof ROLES)[number]
  readonly content: string
}

/** What one record of a dataset teaches: a conversation, or plain text. */
export type Sample =
  | { readonly format: 'messages' | 'instruction'; readonly messages: readonly Message[] }
  | { readonly format: 'text'; readonly text: string }

export const SAMPLE_FORMATS = ['messages', 'instruction', 'text'] as const
export type SampleFormat = (typeof SAMPLE_FORMATS)[number]

const ROLES = ['system', 'user', 'assistant', 'tool'] as const

/** What is wrong with a record; `code` is stable. Nothing of the record's content is in it. */
export interface SampleProblem {
  readonly code: SampleProblemCode
  readonly message: string
}

export type SampleProblemCode =
  | 'not_utf8'
  | 'not_json'
  | 'not_an_object'
  | 'wrong_fields'
  | 'wrong_format'
  | 'mixed_formats'
  | 'no_answer'
  | 'empty_answer'
  | 'empty_text'

/** Thrown by `sampleOf`, caught where the line's number is known. */
export class BadRecord extends Error {
  readonly code: SampleProblemCode

  constructor(code: SampleProblemCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * The sample in a record, in one of the network's three formats: `messages`; `instruction`, `input`, `output` and
 * `system`; `text`. The trainer reads them in the same way (`zg_trainer/dataset.py`).
 * @throws BadRecord
 */
export function sampleOf(record: unknown): Sample {
  if (typeof record !== 'object' || record === null || Array.isArray(record))
    throw new BadRecord('not_an_object', 'is not a JSON object')
  const fields = record as Record<string, unknown>
  const formats = SAMPLE_FORMATS.filter((format) => Object.hasOwn(fields, format))
  if (formats.length !== 1)
    throw new BadRecord('wrong_format', 'must have exactly one of messages, instruction and text')
  if (formats[0] === 'messages') return conversation(fields.messages)
  return formats[0] === 'instruction' ? instruction(fields) : plainText(fields)
}

function conversation(value: unknown): Sample {
  // A column of CSV or Parquet holds them as JSON.
  const given = typeof value === 'string' ? parsed(value) : value
  if (!Array.isArray(given) || given.length === 0)
    throw new BadRecord('wrong_fields', 'messages must be a list that is not empty')
  const messages = given.map(message)
  if (!messages.some(({ role }) => role === 'assistant'))
    throw new BadRecord('no_answer', 'messages has no answer: none is of the assistant')
  return { format: 'messages', messages }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new BadRecord('wrong_fields', 'messages is not JSON')
  }
}

function message(value: unknown): Message {
  const { role, content } = (value ?? {}) as { role?: unknown; content?: unknown }
  if (!ROLES.includes(role as Message['role']))
    throw new BadRecord('wrong_fields', `a message's role must be one of ${ROLES.join(', ')}`)
  if (typeof content !== 'string') throw new BadRecord('wrong_fields', 'content must be a string')
  if (role === 'assistant' && isBlank(content)) throw new BadRecord('empty_answer', 'an answer is empty')
  return { role: role as Message['role'], content }
}

function instruction(fields: Record<string, unknown>): Sample {
  const system = optional(fields, 'system')
  const question = required(fields, 'instruction')
  const input = optional(fields, 'input')
  const answer = required(fields, 'output')
  if (isBlank(question)) throw new BadRecord('empty_text', 'instruction is empty')
  if (isBlank(answer)) throw new BadRecord('empty_answer', 'output is empty')
  const messages: Message[] = [
    { role: 'user', content: input ? `${question}\n\n${input}` : question },
    { role: 'assistant', content: answer },
  ]
  return {
    format: 'instruction',
    messages: system ? [{ role: 'system', content: system }, ...messages] : messages,
  }
}

function plainText(fields: Record<string, unknown>): Sample {
  const text = required(fields, 'text')
  if (isBlank(text)) throw new BadRecord('empty_text', 'text is empty')
  return { format: 'text', text }
}

function required(fields: Record<string, unknown>, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw new BadRecord('wrong_fields', `${name} must be a string`)
  return value
}

/** Absent, null, false, 0 and the empty string are all nothing, as in the trainer. */
const optional = (fields: Record<string, unknown>, name: string): string =>
  fields[name] ? required(fields, name) : ''

/** Nothing but white space, as Python understands it: U+001C to U+001F and U+0085 too, but not U+FEFF. */
export const isBlank = (text: string): boolean => Array.prototype.every.call(text, isWhite)

function isWhite(char: string): boolean {
  const code = char.charCodeAt(0)
  return (code >= 0x1c && code <= 0x1f) || code === 0x85 || (code !== 0xfeff && char.trim() === '')
}
