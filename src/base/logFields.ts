import type { LogFields } from './log.ts'

type Value = LogFields[string]

const ADDRESS = /^0x[0-9a-fA-F]{40}$/
const HASH = /^0x[0-9a-f]{64}$/
const ID = /^[0-9a-f]{32}$/
/** Machine words: error codes, states, reasons. */
const WORD = /^[A-Za-z0-9_.:-]{1,64}$/
const MODEL = /^[\w.:/@+-]{1,128}$/
const ENDPOINT = /^[\w.:[\]/-]{1,200}$/

/**
 * Every text that a log line can hold: by name, and only in this shape. A name that is not here cannot be
 * logged as text at all, so neither a prompt nor a key can get in by mistake.
 */
const TEXTS: Readonly<Record<string, RegExp>> = {
  user: ADDRESS,
  provider: ADDRESS,
  signer: ADDRESS,
  contract: ADDRESS,
  to: ADDRESS,
  txHash: HASH,
  blockHash: HASH,
  id: ID,
  model: MODEL,
  url: ENDPOINT,
  host: ENDPOINT,
  action: WORD,
  code: WORD,
  engine: WORD,
  error: WORD,
  kind: WORD,
  mode: WORD,
  network: WORD,
  path: ENDPOINT,
  signal: WORD,
  state: WORD,
  status: WORD,
  type: WORD,
}

/** Texts of our own errors, which quote no contents; long hex and tokens are struck out all the same. */
const SENTENCES = new Set(['reason', 'message', 'problem'])
const MAX_SENTENCE = 300

/** What is written instead of a text that has no place in a log. */
export const WITHHELD = '[withheld]'

/** The fields as they may be written. Numbers, truth values and null pass; texts by name and shape. */
export function safeFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const safe: Record<string, unknown> = {}
  for (const name in fields) {
    const value = fields[name] as Value
    if (value === undefined) continue
    safe[name] = safeValue(name, value)
  }
  return safe
}

/** An event's name as it may be written: engines report in sentences of their own. */
export const safeEvent = (event: string): string => sentence(event)

function safeValue(name: string, value: Value): unknown {
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return value
    case 'bigint':
      return value.toString()
    case 'string':
      return safeText(name, value)
    default:
      return value === null ? null : WITHHELD
  }
}

function safeText(name: string, value: string): string {
  if (SENTENCES.has(name)) return sentence(value)
  // A word of 64 hex digits has the shape of a key, whatever it is called.
  const shape = Object.hasOwn(TEXTS, name) ? TEXTS[name]! : null
  if (!shape?.test(value)) return WITHHELD
  return shape !== HASH && KEY_LIKE.test(value) ? WITHHELD : value
}

/** Tokens, private keys, anything long without a blank. */
const KEY_LIKE = /app-sk-\S*|(?:0x)?[0-9a-fA-F]{64,}|[A-Za-z0-9+/_=-]{80,}/
const KEYS = new RegExp(KEY_LIKE, 'g')
const sentence = (text: string): string =>
  text
    .slice(0, MAX_SENTENCE)
    .replace(KEYS, WITHHELD)
    .replace(/\p{Cc}+/gu, ' ')
