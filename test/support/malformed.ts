import { formBody, jsonBody, sealedBody } from './malformedBodies.ts'
import type { Seeded } from './seeded.ts'

const FORMS = ['/v1/proxy/images/edits', '/v1/proxy/audio/transcriptions']
const INFERENCE = [
  '/v1/proxy/chat/completions',
  '/v1/proxy/v1/chat/completions',
  '/v1/proxy/completions',
  '/v1/proxy/embeddings',
  '/v1/proxy/messages',
  '/v1/proxy/images/generations',
  ...FORMS,
]
const DOCUMENTS = [
  '/v1/proxy/models',
  '/v1/models',
  '/v1/quote',
  '/v1/capabilities',
  '/v1/e2ee/pubkey',
  '/openapi.json',
  `/v1/proxy/signature/${'ab'.repeat(16)}`,
  '/healthz',
  '/readyz',
]
const OF_USER = ['receipts', 'unsettledfee', 'keys']
const TASK = '0f8fad5b-d9cb-469f-a165-70867728950e'
const TRAINING = [
  '/finetune/v1/quote',
  '/finetune/v1/capabilities',
  '/finetune/v1/model',
  '/finetune/v1/model/0g-compute-demo',
  '/finetune/v1/model/desc/0g-compute-demo',
  '/finetune/v1/model/0g-compute-demo/files/config.json',
  '/finetune/v1/task/pending',
  '/v1/lora/adapters',
]
const TRAINING_OF_USER = [
  'task',
  'dataset',
  `task/${TASK}`,
  ...['cancel', 'log', 'lora', 'events'].map((what) => `task/${TASK}/${what}`),
]
const STRANGER = `0x${'12'.repeat(20)}`
const QUERIES = [
  'after=-1',
  'after=0&limit=0',
  'after=1e9',
  'limit=-5',
  `limit=${'9'.repeat(30)}`,
  'after=0&after=1',
  'latest=true',
  'follow=true',
  'nonce=zz',
  'a=%',
  '='.repeat(100),
  'x',
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

/** Whose good requests are damaged. */
export interface Customer {
  readonly address: string
  readonly token: string
  /** A token that is bound to a session key. */
  readonly bound: string
  /** What that key signs for a request: the value of `zg-request-signature`. */
  sign(method: string, path: string, body: Buffer): string
  /** Sealed chats, which say inside whether they are a stranger's. */
  readonly sealed: { readonly authorized: object; readonly stranger: object }
}

export interface Malformed {
  readonly bytes: Buffer
  /** It carries what the customer may spend with. */
  readonly isAuthorized: boolean
}

/**
 * One request that no sane client sends: a good one, damaged somewhere between its first byte and its last.
 * The body says whether it was authorized, so that whatever reaches the engine can be told apart.
 */
export function malformedRequest(random: Seeded, customer: Customer): Malformed {
  const isAuthorized = random.chance(0.45)
  const mark = isAuthorized ? 'authorized' : 'stranger'
  const isForm = random.chance(0.15)
  const body = isForm
    ? formBody(random, mark)
    : random.chance(0.2)
      ? sealedBody(random, customer.sealed[mark])
      : jsonBody(random, mark)
  const { target, method } = routeOf(random, customer, isForm)
  const size = body.bytes.length
  const head = [
    `${method} ${target} ${versionOf(random)}`,
    'Host: x',
    ...authorization(random, customer, isAuthorized, { method, target, body: body.bytes }),
    ...(body.contentType === null ? [] : [`Content-Type: ${body.contentType}`]),
    ...(random.chance(0.3) ? [random.pick(HEADERS)] : []),
    ...(random.chance(0.9)
      ? [`Content-Length: ${size + (random.chance(0.05) ? random.below(9) - 4 : 0)}`]
      : []),
    'Connection: close',
  ]
  let bytes: Buffer = Buffer.concat([
    Buffer.from(`${head.filter(Boolean).join('\r\n')}\r\n\r\n`, 'latin1'),
    body.bytes,
  ])
  // Damage that could fall into the token makes it another one, never a good one of somebody else.
  if (random.chance(0.1)) bytes = damaged(random, bytes)
  if (random.chance(0.05)) bytes = bytes.subarray(0, random.below(bytes.length))
  return { bytes, isAuthorized }
}

interface Line {
  readonly target: string
  readonly method: string
}

function routeOf(random: Seeded, customer: Customer, isForm: boolean): Line {
  const group = isForm ? 'forms' : random.pick(['inference', 'inference', 'user', 'documents'] as const)
  const fitting = { forms: 'POST', inference: 'POST', documents: 'GET', user: random.pick(['GET', 'POST']) }[
    group
  ]
  const method = random.chance(0.75) ? fitting : random.pick(METHODS)
  let target = random.pick(targetsOf(random, customer)[group])
  if (random.chance(0.2)) {
    const at = random.below(target.length + 1)
    target = target.slice(0, at) + random.pick(ODD) + target.slice(at)
  }
  if (random.chance(group === 'user' ? 0.5 : 0.1)) target += `?${random.pick(QUERIES)}`
  if (random.chance(0.02)) target = random.pick(['*', '', 'http://a/b', 'a:b', '/'.repeat(9000)])
  return { target, method }
}

function targetsOf(random: Seeded, { address }: Customer) {
  const user = random.chance(0.8) ? address : STRANGER
  return {
    forms: [...FORMS, `/finetune/v1/user/${user}/dataset`],
    inference: INFERENCE,
    documents: [...DOCUMENTS, ...TRAINING],
    user: [
      ...OF_USER.map((what) => `/v1/user/${user}/${what}`),
      ...TRAINING_OF_USER.map((what) => `/finetune/v1/user/${user}/${what}`),
    ],
  }
}

const versionOf = (random: Seeded): string =>
  random.chance(0.03) ? random.pick(['HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1.1', 'ICY', '']) : 'HTTP/1.1'

interface Unsigned extends Line {
  readonly body: Buffer
}

function authorization(
  random: Seeded,
  { token, bound, sign }: Customer,
  isAuthorized: boolean,
  { method, target, body }: Unsigned,
): string[] {
  const path = target.split('?')[0]!
  const signed = (value: string) => [`Authorization: Bearer ${bound}`, `ZG-Request-Signature: ${value}`]
  if (isAuthorized) {
    return random.chance(0.7) ? [`Authorization: Bearer ${token}`] : signed(sign(method, path, body))
  }
  const at = 10 + random.below(token.length - 20)
  return random.pick([
    () => [''],
    () => ['Authorization:'],
    () => ['Authorization: Bearer'],
    () => ['Authorization: Basic eDp5'],
    () => [`Authorization: Bearer ${token.slice(0, at)}`],
    () => [`Authorization: Bearer app-sk-${random.bytes(60).toString('base64')}`],
    () => [`Authorization: Bearer app-sk-${Buffer.from('{}|0x00').toString('base64')}`],
    () => [
      `Authorization: Bearer app-sk-${Buffer.from('{"address":1}|0x'.padEnd(150, '0')).toString('base64')}`,
    ],
    () => [`Authorization: ${token}`],
    // Whoever has seen a bound token cannot sign with it.
    () => [`Authorization: Bearer ${bound}`],
    () => signed(''),
    () => signed(sign(method, path, Buffer.concat([body, Buffer.from(' ')]))),
    () => signed(sign(method, `${path}x`, body)),
    () => signed(sign(method, path, body).replace(/.{4}$/, 'ffff')),
    () => signed(`v1,${'0'.repeat(32)},0,${'0'.repeat(64)},0x${'0'.repeat(130)}`),
  ])()
}

function damaged(random: Seeded, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  for (let i = 1 + random.below(4); i > 0; i--) copy[random.below(copy.length)] = random.below(256)
  return copy
}
