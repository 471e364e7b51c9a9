import { decodeBase64, encodeBase64, toUtf8Bytes, toUtf8String } from 'ethers/utils'
import { type Address, type Hex, isAddress, sameAddress } from '../base/hex.ts'
import { keccakText } from '../base/keccak.ts'
import { checksummed } from './checksummed.ts'
import { personalBytesDigest, recoverDigest } from './signature.ts'

/** The signed message of a bearer token `app-sk-…`, keys in this order. Times are milliseconds. */
export interface SessionClaims {
  readonly address: Address
  readonly provider: Address
  readonly timestamp: number
  /** 0 = never. */
  readonly expiresAt: number
  readonly nonce: string
  /** Of the on-chain account when the token was made; `revokeAllTokens` raises it. */
  readonly generation: number
  /** 0 to 254 are persistent keys, revocable one by one; 255 is ephemeral. */
  readonly tokenId: number
  /** Of the serving contract; with it, good at no other. Tokens of the deployed format name neither. */
  readonly chainId?: number
  readonly contract?: Address
  /** The only key that can use the token: each request is signed by it. @see signedRequest.ts */
  readonly sessionKey?: Address
  /** What the token may spend, neuron as decimal text: counted by brokers that say `keyLimits`, ignored by others. */
  readonly limit?: string
  readonly limitPer?: LimitPeriod
}

/** A day is one of UTC. */
export type LimitPeriod = 'day' | 'total'

/** Where a token is shown. */
export interface TokenHome {
  readonly provider: Address
  readonly chainId: number
  readonly contract: Address
}

export const TOKEN_PREFIX = 'app-sk-'
export const EPHEMERAL_TOKEN_ID = 255
/** An ephemeral token lives at most this long, ms. */
export const EPHEMERAL_MAX_MS = 24 * 60 * 60 * 1000

/** Why a token is refused. */
export type TokenFault =
  | 'malformed'
  | 'signature'
  | 'provider'
  | 'domain'
  | 'expired'
  | 'too_long'
  | 'not_yet_valid'

/** What a token may say that it may spend, neuron: above 0 and within 96 bits. */
const LIMIT = /^[1-9]\d{0,27}$/
/** Clocks may differ by this much, ms. */
const CLOCK_SKEW_MS = 5 * 60 * 1000

/**
 * The exact bytes that are signed: compact JSON with the keys in their fixed order; those that the deployed format
 * lacks come last. @see client-wire.md 1.2
 */
export function tokenMessage(claims: SessionClaims): string {
  const { address, provider, timestamp, expiresAt, nonce, generation, tokenId, ...ours } = claims
  const { chainId, contract, sessionKey, limit, limitPer } = ours
  const deployed = { address, provider, timestamp, expiresAt, nonce, generation, tokenId }
  return JSON.stringify({ ...deployed, chainId, contract, sessionKey, limit, limitPer })
}

/** What a wallet signs with `personal_sign`: the 32 bytes of this hash. */
export const tokenHash = (message: string): Hex => keccakText(message)

/** Puts message and signature together as an API key. */
export const encodeToken = (message: string, signature: Hex): string =>
  TOKEN_PREFIX + encodeBase64(toUtf8Bytes(`${message}|${signature}`))

/**
 * Makes a token with any signer of 32-byte messages (an ethers wallet's `signMessage(getBytes(hash))`).
 */
export async function createToken(
  claims: SessionClaims,
  signHash: (hash: Hex) => Promise<Hex>,
): Promise<string> {
  const message = tokenMessage(claims)
  return encodeToken(message, await signHash(tokenHash(message)))
}

/** A token taken apart; nothing is verified yet. */
export interface ParsedToken {
  readonly claims: SessionClaims
  readonly message: string
  readonly signature: Hex
}

/** Takes a token apart, or null when it is not one. */
export function parseToken(token: string): ParsedToken | null {
  if (!token.startsWith(TOKEN_PREFIX) || token.length > 4096) return null
  try {
    const text = toUtf8String(decodeBase64(token.slice(TOKEN_PREFIX.length)))
    const bar = text.lastIndexOf('|')
    const message = text.slice(0, bar)
    const claims = JSON.parse(message) as SessionClaims
    if (bar <= 0 || !areClaims(claims)) return null
    const signature = text.slice(bar + 1) as Hex
    return { claims: { ...claims, address: checksummed(claims.address) }, message, signature }
  } catch {
    return null
  }
}

/** Whether the address in the token signed it. */
export function isSignedByOwner({ claims, message, signature }: ParsedToken): boolean {
  const signer = recoverDigest(personalBytesDigest(tokenHash(message)), signature)
  return signer !== null && sameAddress(signer, claims.address)
}

/**
 * What is wrong with the claims at this time, or null. Revocation is a matter of the on-chain account and is
 * checked by the caller.
 * @param now ms
 */
export function claimsFault(claims: SessionClaims, home: TokenHome, now: number): TokenFault | null {
  if (!sameAddress(claims.provider, home.provider)) return 'provider'
  if (claims.contract !== undefined && !isForContract(claims, home)) return 'domain'
  if (claims.timestamp > now + CLOCK_SKEW_MS) return 'not_yet_valid'
  if (claims.expiresAt !== 0 && claims.expiresAt <= now) return 'expired'
  if (claims.tokenId === EPHEMERAL_TOKEN_ID) {
    if (claims.expiresAt === 0 || claims.expiresAt > claims.timestamp + EPHEMERAL_MAX_MS) return 'too_long'
  }
  return null
}

const isForContract = ({ chainId, contract }: SessionClaims, home: TokenHome): boolean =>
  chainId === home.chainId && sameAddress(contract!, home.contract)

function areClaims(claims: unknown): claims is SessionClaims {
  if (typeof claims !== 'object' || claims === null) return false
  const { address, provider, timestamp, expiresAt, nonce, generation, tokenId } = claims as SessionClaims
  return (
    areOurs(claims as SessionClaims) &&
    isAddress(address) &&
    isAddress(provider) &&
    [timestamp, expiresAt, generation].every((n) => Number.isSafeInteger(n) && n >= 0) &&
    typeof nonce === 'string' &&
    Number.isInteger(tokenId) &&
    tokenId >= 0 &&
    tokenId <= EPHEMERAL_TOKEN_ID
  )
}

/** The domain whole or not at all; a session key and a limit only inside one. */
function areOurs({ chainId, contract, sessionKey, limit, limitPer }: SessionClaims): boolean {
  if (contract === undefined)
    return [chainId, sessionKey, limit, limitPer].every((part) => part === undefined)
  return (
    Number.isSafeInteger(chainId) &&
    isAddress(contract) &&
    (sessionKey === undefined || isAddress(sessionKey)) &&
    isLimit(limit, limitPer)
  )
}

const isLimit = (limit: unknown, per: unknown): boolean =>
  limit === undefined
    ? per === undefined
    : typeof limit === 'string' && isLimitAmount(limit) && (per === 'day' || per === 'total')

/** @param text neuron as decimal text */
export const isLimitAmount = (text: string): boolean => LIMIT.test(text)
