import { AppError } from '../../base/errors.ts'
import type { Hex } from '../../base/hex.ts'
import { type Account, isTokenRevoked } from '../../chain/inference.ts'
import {
  claimsFault,
  EPHEMERAL_TOKEN_ID,
  isSignedByOwner,
  parseToken,
  type SessionClaims,
  type TokenFault,
  type TokenHome,
  tokenHash,
} from '../../protocol/sessionToken.ts'
import type { Revocation } from '../ledger/places.ts'
import { type KeyLimit, keyLimitOf } from './limits/keyLimits.ts'

/** Tokens whose signature was checked; checking costs 0.2 ms, a look-up nothing. */
const CACHE_SIZE = 10_000

/** A token whose claims hold. */
export interface CheckedToken {
  readonly claims: SessionClaims
  /** What requests are signed for, where the token is bound to a session key; null for bearer tokens. */
  readonly hash: Hex | null
  /** What it may spend; null where its owner set no limit. */
  readonly limit: KeyLimit | null
}

/** Reads tokens: form, signature, claims. Whether a token was revoked is `assertNotRevoked`. */
export class Authenticator {
  readonly #home: TokenHome
  readonly #signed = new Map<string, CheckedToken>()

  constructor(home: TokenHome) {
    this.#home = home
  }

  /** Whether the signature of this header's token was checked before: looking at it again costs nothing. */
  isKnown(authorization: string): boolean {
    const token = bearerOf(authorization)
    return token !== undefined && this.#signed.has(token)
  }

  /**
   * @param authorization value of the `Authorization` header
   * @throws AppError `token_missing`, `token_malformed`, `token_expired`, … all 401
   */
  authenticate(authorization: string | undefined, now = Date.now()): CheckedToken {
    if (!authorization) throw unauthorized('token_missing', 'The request carries no API key')
    const token = bearerOf(authorization)
    if (!token) throw unauthorized('token_malformed', 'The Authorization header is not "Bearer app-sk-…"')
    const checked = this.#signedToken(token)
    const fault = claimsFault(checked.claims, this.#home, now)
    if (fault === 'provider') throw otherProvider(this.#home, checked.claims)
    if (fault) throw FAULTS[fault]()
    return checked
  }

  #signedToken(token: string): CheckedToken {
    const known = this.#signed.get(token)
    if (known) return known
    const parsed = parseToken(token)
    if (!parsed) throw FAULTS.malformed()
    if (!isSignedByOwner(parsed)) throw FAULTS.signature()
    if (this.#signed.size >= CACHE_SIZE) this.#signed.delete(this.#signed.keys().next().value!)
    const { claims, message } = parsed
    const hash = claims.sessionKey === undefined ? null : tokenHash(message)
    const checked = { claims, hash, limit: keyLimitOf(parsed) }
    this.#signed.set(token, checked)
    return checked
  }
}

const bearerOf = (authorization: string): string | undefined => /^bearer +(\S+)$/i.exec(authorization)?.[1]

export const isRevoked = (claims: SessionClaims, account: Account): boolean =>
  claims.generation !== account.generation ||
  (claims.tokenId !== EPHEMERAL_TOKEN_ID && isTokenRevoked(account, claims.tokenId))

/** @throws AppError `token_revoked` (401) */
export function assertNotRevoked(claims: SessionClaims, account: Account): void {
  if (isRevoked(claims, account)) throw revoked()
}

/**
 * The same by what other replicas have seen, whose chain nodes may be ahead of this one's.
 * @throws AppError `token_revoked` (401)
 */
export function assertNotSeenRevoked(claims: SessionClaims, seen: readonly Revocation[]): void {
  const isOver = (by: Revocation) =>
    claims.generation < by.generation ||
    (claims.generation === by.generation && isTokenRevoked(by, claims.tokenId))
  if (seen.some(isOver)) throw revoked()
}

const revoked = () => unauthorized('token_revoked', 'The API key was revoked on chain')

const FAULTS: Readonly<Record<Exclude<TokenFault, 'provider'>, () => AppError>> = {
  malformed: () => unauthorized('token_malformed', 'The API key is not a token of this network'),
  signature: () => unauthorized('token_signature_invalid', 'The API key was not signed by its address'),
  domain: () => unauthorized('token_wrong_contract', 'The API key is for another chain or contract'),
  expired: () => unauthorized('token_expired', 'The API key has expired'),
  too_long: () => unauthorized('token_too_long', 'An ephemeral API key must expire within 24 hours'),
  not_yet_valid: () =>
    unauthorized('token_not_yet_valid', 'The API key is from the future: compare the clocks'),
}

/** A broker that took the place of a stopped one, or a key that was made for another. */
const otherProvider = ({ provider }: TokenHome, claims: SessionClaims): AppError =>
  new AppError({
    code: 'token_wrong_provider',
    message: `Provider ${provider} answers here, and the API key is for provider ${claims.provider}`,
    hint: 'Nothing was charged. That one may have stopped and left its address to this one',
    next: '0g-compute provider list',
    status: 401,
  })

const unauthorized = (code: string, message: string): AppError =>
  new AppError({
    code,
    message,
    hint: 'Make a new API key for this provider',
    next: '0g-compute infer',
    status: 401,
  })
