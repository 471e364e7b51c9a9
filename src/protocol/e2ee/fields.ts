import type { EnvelopeHead } from './envelope.ts'
import { sealedMalformed } from './errors.ts'

export type Json = Readonly<Record<string, unknown>>

/** What may travel in clear of a request: how much is asked for of which model, and nothing of what is said. */
const CLEAR_IN_REQUESTS = new Set([
  'model',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'n',
  'best_of',
  'temperature',
  'top_p',
  'seed',
  'encoding_format',
  'dimensions',
])

/** What may travel in clear of an answer. */
const CLEAR_IN_ANSWERS = new Set([
  'id',
  'object',
  'created',
  'model',
  'usage',
  'system_fingerprint',
  'service_tier',
])

/** The fields of a request that are sealed: all that are not known to be harmless, `messages` and `tools` among them. */
export const sealedInRequest = (body: Json): string[] =>
  Object.keys(body).filter((name) => !CLEAR_IN_REQUESTS.has(name))

/** Those of an answer: `choices` in every frame, and whatever else an engine may add. */
export const sealedInAnswer = (frame: Json): string[] =>
  Object.keys(frame).filter((name) => !CLEAR_IN_ANSWERS.has(name))

/** Splits a body into what is sealed and what travels in clear. */
export function splitFields(body: Json, names: readonly string[]): { sealed: Json; clear: Json } {
  const isSealed = ([name]: readonly [string, unknown]) => names.includes(name)
  const entries = Object.entries(body)
  return {
    sealed: Object.fromEntries(entries.filter(isSealed)),
    clear: Object.fromEntries(entries.filter((entry) => !isSealed(entry))),
  }
}

/**
 * Puts a body together again: the sealed part has the named fields and no others, none of which stands in clear too.
 * @throws AppError `e2ee_malformed`
 */
export function joinFields(clear: Json, plaintext: Uint8Array, names: readonly string[]): Json {
  const sealed = parse(plaintext)
  const found = Object.keys(sealed)
  if (found.length !== names.length || !names.every((name) => Object.hasOwn(sealed, name))) {
    throw sealedMalformed('the sealed part has other fields than it names')
  }
  if (found.some((name) => Object.hasOwn(clear, name)))
    throw sealedMalformed('a sealed field stands in clear too')
  return { ...clear, ...sealed }
}

/** The names of an envelope's sealed fields. @throws AppError `e2ee_malformed` */
export function sealedNames({
  sealed_fields: names,
  unbound_fields: unbound = [],
}: EnvelopeHead): readonly string[] {
  if (!isNames(names) || names.length === 0 || names.includes('_e2ee'))
    throw sealedMalformed('sealed_fields is no list')
  if (!isNames(unbound)) throw sealedMalformed('unbound_fields is no list')
  return names
}

const isNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) &&
  value.every((name) => typeof name === 'string') &&
  new Set(value).size === value.length

function parse(plaintext: Uint8Array): Json {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plaintext))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  } catch {
    // Said below.
  }
  throw sealedMalformed('the sealed part is no JSON object')
}
