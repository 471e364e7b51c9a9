import type { Seeded } from './seeded.ts'

const ROUTES = [
  '/v1/proxy/chat/completions',
  '/v1/proxy/v1/chat/completions',
  '/v1/proxy/completions',
  '/v1/proxy/embeddings',
  '/v1/proxy/messages',
  '/v1/proxy/images/generations',
  '/v1/proxy/images/edits',
  '/v1/proxy/audio/transcriptions',
  '/v1/proxy/models',
  '/v1/models',
  '/v1/quote',
  '/v1/capabilities',
  `/v1/proxy/signature/${'ab'.repeat(16)}`,
  `/v1/user/0x${'12'.repeat(20)}/receipts`,
  `/v1/user/0x${'12'.repeat(20)}/unsettledfee`,
  '/healthz',
  '/readyz',
]
const METHODS = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'get',
  'X',
]
const ODD = [
  '\0',
  '%',
  '%00',
  '%2f',
  '..',
  '//',
  '\\',
  '?',
  '#',
  ';',
  '\u00ff',
  ' ',
  '\t',
  '{',
  '日',
  'A'.repeat(5000),
]
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
]
const HEADERS = [
  'Content-Length: -1',
  'Content-Length: 99999999999999999999',
  'Content-Length: 5\r\nContent-Length: 6',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Content-Encoding: gzip',
  'Expect: 100-continue',
  'Connection: upgrade\r\nUpgrade: h2c',
  'Host:',
  'Host: a\r\nHost: b',
  'ZG-Max-Price: input=1,output=',
  'ZG-Max-Price: \u00ff',
  'ZG-Cap-Output: \u00ff',
  'Idempotency-Key: ',
  `Idempotency-Key: ${'k'.repeat(300)}`,
  'X-Forwarded-For: ,,,',
  'Address: 0x0',
  'Session-Token: {}',
  'VLLM-Proxy: maybe',
  `X-Long: ${'h'.repeat(20_000)}`,
  'no colon',
  ': empty',
  'Bad\0Name: x',
]

export interface Malformed {
  readonly bytes: Buffer
  /** It carries the customer's good token. */
  readonly isAuthorized: boolean
}

/**
 * One request that no sane client sends: a good one, damaged somewhere between its first byte and its last.
 * The body says whether it was authorized, so that whatever reaches the engine can be told apart.
 */
export function malformedRequest(random: Seeded, token: string): Malformed {
  const isAuthorized = random.chance(0.35)
  const body = bodyOf(random, isAuthorized ? 'authorized' : 'stranger')
  const head = [
    requestLine(random),
    'Host: x',
    authorization(random, token, isAuthorized),
    ...(random.chance(0.4) ? [random.pick(HEADERS)] : []),
    ...(random.chance(0.85)
      ? [`Content-Length: ${body.length + (random.chance(0.05) ? random.below(9) - 4 : 0)}`]
      : []),
    'Connection: close',
  ]
  let bytes: Buffer = Buffer.concat([
    Buffer.from(`${head.filter(Boolean).join('\r\n')}\r\n\r\n`, 'latin1'),
    body,
  ])
  // Damage that could fall into the token makes it another one, never a good one of somebody else.
  if (random.chance(0.1)) bytes = damaged(random, bytes)
  if (random.chance(0.05)) bytes = bytes.subarray(0, random.below(bytes.length))
  return { bytes, isAuthorized }
}

function requestLine(random: Seeded): string {
  let target = random.pick(ROUTES)
  if (random.chance(0.3)) {
    const at = random.below(target.length + 1)
    target = target.slice(0, at) + random.pick(ODD) + target.slice(at)
  }
  if (random.chance(0.1))
    target += `?${random.pick(['after=-1', 'limit=0', 'nonce=zz', 'a=%', '='.repeat(100), 'x'])}`
  if (random.chance(0.02)) target = random.pick(['*', '', 'http://a/b', 'a:b', '/'.repeat(9000)])
  const version = random.chance(0.03)
    ? random.pick(['HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1.1', 'ICY', ''])
    : 'HTTP/1.1'
  const method = random.chance(0.5) ? 'POST' : random.pick(METHODS)
  return `${method} ${target} ${version}`
}

function authorization(random: Seeded, token: string, isAuthorized: boolean): string {
  if (isAuthorized) return `Authorization: Bearer ${token}`
  const at = 10 + random.below(token.length - 20)
  return random.pick([
    '',
    'Authorization:',
    'Authorization: Bearer',
    'Authorization: Basic eDp5',
    `Authorization: Bearer ${token.slice(0, at)}`,
    `Authorization: Bearer app-sk-${random.bytes(60).toString('base64')}`,
    `Authorization: Bearer app-sk-${Buffer.from('{}|0x00').toString('base64')}`,
    `Authorization: Bearer app-sk-${Buffer.from('{"address":1}|0x'.padEnd(150, '0')).toString('base64')}`,
    `Authorization: ${token}`,
  ])
}

function bodyOf(random: Seeded, mark: string): Buffer {
  const body: Record<string, unknown> = {
    model: 'steady',
    messages: [{ role: 'user', content: mark }],
    max_tokens: 1 + random.below(8),
    ...(random.chance(0.3) && { stream: true }),
  }
  for (let i = random.below(3); i > 0; i--) {
    Object.defineProperty(body, random.pick(FIELDS), {
      value: random.pick(VALUES),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  body.user = mark
  const bytes = Buffer.from(JSON.stringify(body))
  const kind = random.below(12)
  if (kind === 0) return bytes.subarray(0, random.below(bytes.length))
  if (kind === 1) return random.bytes(random.below(200))
  if (kind === 2) return Buffer.from('['.repeat(random.below(20_000)))
  if (kind === 3) return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])
  return bytes
}

function damaged(random: Seeded, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  for (let i = 1 + random.below(4); i > 0; i--) copy[random.below(copy.length)] = random.below(256)
  return copy
}
