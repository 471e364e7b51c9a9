import { wav } from './recording.ts'
import type { Seeded } from './seeded.ts'

export interface Body {
  readonly bytes: Buffer
  readonly contentType: string | null
}

const VALUES = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  '',
  'x',
  [],
  {},
  [[]],
  { a: { b: [] } },
  '\u0000',
  '\ud800',
  2 ** 53,
]
const FIELDS = [
  'model',
  'messages',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'n',
  'best_of',
  'prompt',
  'input',
  'tools',
  '__proto__',
  'constructor',
  'logit_bias',
  '_e2ee',
  'userAddress',
  'nonce',
  'signature',
  'trainingParams',
  'detail',
]
/** What takes forms. */
export const MEDIA_MODEL = 'no-messages'
const BOUNDARY = 'between-the-parts'
const FORM_TYPES = [
  'multipart/form-data',
  'multipart/form-data; boundary=',
  'multipart/form-data; boundary="',
  'multipart/form-data; boundary=another',
  `multipart/form-data; boundary=${'b'.repeat(5000)}`,
  'application/x-www-form-urlencoded',
  'application/json',
]
const NUMBERS = ['1', '0', '-1', '1e9', '', 'x', '99999999999999999999']
const DISPOSITIONS = [
  'form-data',
  'form-data; name=',
  'form-data; name="',
  'form-data; name="file"; filename*=UTF-8',
  'attachment; name="model"',
  `form-data; name="${'n'.repeat(9000)}"`,
]

/** A chat with fields that are none, or what is not even JSON. */
export function jsonBody(random: Seeded, mark: string): Body {
  const body: Record<string, unknown> = {
    model: 'steady',
    messages: [{ role: 'user', content: mark }],
    max_tokens: 1 + random.below(8),
    ...(random.chance(0.3) && { stream: true }),
  }
  for (let i = random.below(3); i > 0; i--) put(body, random.pick(FIELDS), random.pick(VALUES))
  body.user = mark
  return { bytes: cut(random, Buffer.from(JSON.stringify(body))), contentType: null }
}

/** A sealed chat, half of the time with something wrong in its envelope. */
export function sealedBody(random: Seeded, envelope: object): Body {
  const body = structuredClone(envelope) as { readonly _e2ee: Record<string, unknown> }
  if (random.chance(0.5)) {
    const name = random.pick(Object.keys(body._e2ee))
    const value = body._e2ee[name]
    const isText = typeof value === 'string' && random.chance(0.5)
    put(body._e2ee, name, isText ? value.slice(0, random.below(value.length)) : random.pick(VALUES))
  }
  return { bytes: Buffer.from(JSON.stringify(body)), contentType: null }
}

/** A form whose parts are right, or missing, doubled, misnamed, out of range; and sometimes the form is none. */
export function formBody(random: Seeded, mark: string): Body {
  const recording = random.chance(0.5)
    ? wav({ bytes: random.below(64_000) })
    : random.bytes(random.below(200))
  const parts = [
    part('name="model"', MEDIA_MODEL),
    part('name="prompt"', mark),
    part('name="file"; filename="a.wav"', recording),
  ]
  if (random.chance(0.5)) parts.push(part('name="n"', random.pick(NUMBERS)))
  if (random.chance(0.3)) parts.push(part('name="timestamp"', random.pick(NUMBERS)))
  if (random.chance(0.3)) parts.push(part('name="stream"', random.pick(['true', 'false', ''])))
  if (random.chance(0.2)) parts.push(random.pick(parts))
  if (random.chance(0.2)) parts.splice(random.below(parts.length), 1)
  if (random.chance(0.2)) parts.push(section(random.pick(DISPOSITIONS), 'x'))
  const whole = Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)])
  const contentType = random.chance(0.15)
    ? random.pick(FORM_TYPES)
    : `multipart/form-data; boundary=${BOUNDARY}`
  return { bytes: random.chance(0.2) ? cut(random, whole) : whole, contentType }
}

const part = (name: string, value: string | Buffer): Buffer => section(`form-data; ${name}`, value)

const section = (disposition: string, value: string | Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: ${disposition}\r\n\r\n`),
    Buffer.from(value),
    Buffer.from('\r\n'),
  ])

/** A name such as `__proto__` becomes a field like any other. */
const put = (body: object, name: string, value: unknown): void =>
  void Object.defineProperty(body, name, { value, enumerable: true, configurable: true, writable: true })

function cut(random: Seeded, bytes: Buffer): Buffer {
  const kind = random.below(12)
  if (kind === 0) return bytes.subarray(0, random.below(bytes.length))
  if (kind === 1) return random.bytes(random.below(200))
  if (kind === 2) return Buffer.from('['.repeat(random.below(20_000)))
  if (kind === 3) return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])
  return bytes
}
