import type { Hex } from '../base/hex.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import { HEADER } from '../protocol/headers.ts'
import type { PrivateKey } from '../protocol/signature.ts'
import { EMPTY_BODY_HASH, signRequest } from '../protocol/signedRequest.ts'
import type { Runtime } from './runtime.ts'

/** A request that has to be authorised. */
export interface UnsignedRequest {
  readonly method: 'GET' | 'POST'
  /** Below the service's URL, without query. */
  readonly path: string
  /** That go with it. */
  readonly headers?: Readonly<Record<string, string>>
  /** sha256 of the body, 64 hex digits; without one there is none. */
  readonly bodyHash?: string
}

/** What shows a broker whose account a request is paid from. */
export interface Credential {
  /** `session`: useless to whoever sees a request. `bearer`: whoever sees it can spend with it. */
  readonly auth: 'session' | 'bearer'
  /** The headers of one request that authorise it; to be asked for anew each time. */
  headersFor(request: UnsignedRequest): Record<string, string>
}

/** A token of the deployed format, or for brokers that know nothing of session keys. */
export const bearerCredential = (token: string): Credential => ({
  auth: 'bearer',
  headersFor: () => bearer(token),
})

/** A token that is bound to a key of this process, which signs each request. */
export function sessionCredential(
  { token, tokenHash, key }: { readonly token: string; readonly tokenHash: Hex; readonly key: PrivateKey },
  { chainId, inference }: Pick<NetworkProfile, 'chainId' | 'inference'>,
  runtime: Pick<Runtime, 'now' | 'randomHex'>,
): Credential {
  return {
    auth: 'session',
    headersFor: ({ method, path, headers = {}, bodyHash = EMPTY_BODY_HASH }) => ({
      ...bearer(token),
      [HEADER.requestSignature]: signRequest(key, chainId, inference, {
        token: tokenHash,
        nonce: runtime.randomHex(16),
        time: Math.floor(runtime.now() / 1000),
        head: { method, path, headers },
        bodyHash,
      }),
    }),
  }
}

const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` })
