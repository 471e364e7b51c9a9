import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { checksummed } from '../../protocol/checksummed.ts'

/** What the engine is asked for; the key is its path below the engine's `/v1`. */
export type InferenceKind = TokenKind | MediaKind

/** Priced by the token. */
export type TokenKind = 'chat/completions' | 'completions' | 'embeddings' | 'messages'

/** Priced by the image, or by the second of audio. */
export type MediaKind = 'images/generations' | FormKind

/** Asked for with a file, as multipart/form-data. */
export type FormKind = 'images/edits' | 'audio/transcriptions'

export type Route =
  | { readonly name: 'inference'; readonly kind: InferenceKind; readonly endpoint: string }
  | { readonly name: 'signature'; readonly id: string }
  | { readonly name: 'quote' | 'models' | 'capabilities' | 'encryptionKey' | 'openApi' | 'health' | 'ready' }
  | {
      readonly name: 'unsettledFee' | 'receipts' | 'keys'
      readonly user: Address
      readonly query: URLSearchParams
    }
  | { readonly name: 'showReceipt'; readonly user: Address }
  | { readonly name: 'preflight' }

const KINDS: readonly InferenceKind[] = [
  'chat/completions',
  'completions',
  'embeddings',
  'messages',
  'images/generations',
  'images/edits',
  'audio/transcriptions',
]

const INFERENCE = new Map<string, Route>(
  KINDS.flatMap((kind) => {
    const route: Route = { name: 'inference', kind, endpoint: `/v1/${kind}` }
    return [
      [`/v1/proxy/${kind}`, route],
      [`/v1/proxy/v1/${kind}`, route],
    ]
  }),
)

const DOCUMENTS = new Map<string, Route>([
  ['/v1/quote', { name: 'quote' }],
  ['/v1/models', { name: 'models' }],
  ['/v1/proxy/models', { name: 'models' }],
  ['/v1/proxy/v1/models', { name: 'models' }],
  ['/v1/capabilities', { name: 'capabilities' }],
  ['/v1/e2ee/pubkey', { name: 'encryptionKey' }],
  ['/openapi.json', { name: 'openApi' }],
  ['/healthz', { name: 'health' }],
  ['/readyz', { name: 'ready' }],
])

const SIGNATURE = /^\/v1\/proxy\/(?:v1\/)?signature\/(?:chatcmpl-|cmpl-)?([0-9a-fA-F]{32})$/
const USER_ROUTES = { unsettledfee: 'unsettledFee', receipts: 'receipts', keys: 'keys' } as const
const USER = /^\/v1\/user\/(0x[0-9a-fA-F]{40})\/(unsettledfee|receipts|keys)$/

/**
 * The route of a request, matched on the exact bytes of its target: nothing is decoded, normalised or trimmed,
 * so nothing can pass for a route that it is not.
 * @throws AppError `route_unknown` (404), `method_not_allowed` (405), `query_not_allowed` (400)
 */
export function routeOf(method: string, target: string): Route {
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? '' : target.slice(mark + 1)
  const found = INFERENCE.get(path) ?? DOCUMENTS.get(path) ?? signatureRoute(path) ?? userRoute(path, query)
  if (!found) throw unknownRoute()
  if (method === 'OPTIONS') return { name: 'preflight' }
  if (method === 'POST' && found.name === 'receipts') return { name: 'showReceipt', user: found.user }
  const expected = found.name === 'inference' ? 'POST' : 'GET'
  if (method !== expected) throw wrongMethod(expected)
  if (query && found.name === 'inference') throw queryNotAllowed()
  return found
}

function signatureRoute(path: string): Route | undefined {
  const id = SIGNATURE.exec(path)?.[1]
  return id === undefined ? undefined : { name: 'signature', id: id.toLowerCase() }
}

function userRoute(path: string, query: string): Route | undefined {
  const match = USER.exec(path)
  if (!match) return undefined
  const name = USER_ROUTES[match[2] as keyof typeof USER_ROUTES]
  return { name, user: checksummed(match[1]!), query: new URLSearchParams(query) }
}

const unknownRoute = (): AppError =>
  new AppError({
    code: 'route_unknown',
    message: 'There is no such endpoint',
    hint: 'Inference is below /v1/proxy; GET /v1/capabilities lists what is served',
    status: 404,
  })

const wrongMethod = (expected: string): AppError =>
  new AppError({
    code: 'method_not_allowed',
    message: `This endpoint takes ${expected} only`,
    status: 405,
    details: { allow: expected },
  })

const queryNotAllowed = (): AppError =>
  new AppError({
    code: 'query_not_allowed',
    message: 'This endpoint takes no query string',
    hint: 'Put parameters in the JSON body',
    status: 400,
  })
