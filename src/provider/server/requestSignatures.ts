import type { IncomingMessage } from 'node:http'
import { AppError } from '../../base/errors.ts'
import { sameAddress } from '../../base/hex.ts'
import { HEADER } from '../../protocol/headers.ts'
import type { TokenHome } from '../../protocol/sessionToken.ts'
import {
  parseRequestSignature,
  REQUEST_WINDOW_SECONDS,
  type RequestSignature,
  recoverRequest,
} from '../../protocol/signedRequest.ts'
import type { CheckedToken } from './authenticate.ts'
import { SeenNonces } from './seenNonces.ts'

/**
 * Checks that a request was signed by the session key of its token, now and once: a token that somebody on the way
 * has seen is of no use to him.
 *
 * Nonces are remembered in this process. What another replica, or this one before a restart, has run is known by the
 * exchange's id, which is derived from the nonce: the ledger charges an id once, and so `Once` lets it run once.
 */
export class RequestSignatures {
  readonly #home: TokenHome
  readonly #nonces = new SeenNonces(REQUEST_WINDOW_SECONDS)

  constructor(home: TokenHome) {
    this.#home = home
  }

  /**
   * The body is not read yet: what was signed of it is compared when it is, by `assertBodySigned`.
   * @param token bound to a session key
   * @throws AppError `request_signature_missing`, `request_signature_invalid`, `request_time_invalid`,
   * `request_replayed` (401)
   */
  verify(req: IncomingMessage, token: CheckedToken, now = Date.now()): RequestSignature {
    const header = req.headers[HEADER.requestSignature]
    if (header === undefined) throw missing()
    const signed = parseRequestSignature(String(header))
    if (!signed) throw invalid()
    const seconds = Math.floor(now / 1000)
    if (Math.abs(seconds - signed.time) > REQUEST_WINDOW_SECONDS) throw wrongTime(seconds - signed.time)
    const { nonce, time } = signed
    if (!this.#isSigned(req, token, signed)) throw invalid()
    if (!this.#nonces.take(`${token.claims.sessionKey}${nonce}`.toLowerCase(), time, seconds))
      throw replayed()
    return signed
  }

  #isSigned(req: IncomingMessage, { claims, hash }: CheckedToken, signed: RequestSignature): boolean {
    const { chainId, contract } = this.#home
    const path = (req.url ?? '').split('?')[0]!
    const head = { method: req.method ?? '', path, headers: req.headers }
    const signer = recoverRequest(chainId, contract, { ...signed, token: hash!, head }, signed.signature)
    return signer !== null && sameAddress(signer, claims.sessionKey!)
  }
}

/** @throws AppError `request_body_changed` (401) */
export function assertBodySigned(signed: RequestSignature | null, bodyHash: string): void {
  if (signed === null || signed.bodyHash === bodyHash) return
  throw refused('request_body_changed', 'The request body is not the one that was signed')
}

const missing = (): AppError =>
  refused(
    'request_signature_missing',
    'This API key is bound to a session key, and the request is not signed by it',
  )

const invalid = (): AppError =>
  refused('request_signature_invalid', 'The request is not signed by the session key of its API key')

export const replayed = (): AppError => refused('request_replayed', 'This very request was sent before')

const wrongTime = (difference: number): AppError =>
  refused(
    'request_time_invalid',
    `The request was signed ${Math.abs(difference)} s ${difference > 0 ? 'ago' : 'ahead'} by this clock, more than ${REQUEST_WINDOW_SECONDS}: compare the clocks`,
  )

const refused = (code: string, message: string): AppError =>
  new AppError({
    code,
    message,
    hint: 'Nothing was charged. Somebody on the way may have changed or repeated the request',
    next: '0g-compute doctor',
    status: 401,
  })
