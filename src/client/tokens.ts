import type { Address, Hex } from '../base/hex.ts'
import { hexToBytes } from '../base/hex.ts'
import { createToken, EPHEMERAL_TOKEN_ID } from '../protocol/sessionToken.ts'
import { requireAccount, type Session } from './session.ts'

const LIFETIME_MS = 60 * 60 * 1000
/** A token is replaced this long before it expires. */
const MARGIN_MS = 5 * 60 * 1000

interface CachedToken {
  readonly token: Promise<string>
  readonly generation: number
  readonly expiresAt: number
}

/** Short-lived bearer tokens, one a provider, kept in memory only. */
export class SessionTokens {
  readonly #session: Session
  readonly #cache = new Map<string, CachedToken>()

  constructor(session: Session) {
    this.#session = session
  }

  /** A token for this provider. @param generation of the on-chain account, 0 where there is none */
  get(provider: Address, generation: number): Promise<string> {
    const key = provider.toLowerCase()
    const now = this.#session.runtime.now()
    const cached = this.#cache.get(key)
    if (cached && cached.generation === generation && cached.expiresAt - MARGIN_MS > now) return cached.token
    const expiresAt = now + LIFETIME_MS
    const token = this.#make(provider, generation, now, expiresAt)
    this.#cache.set(key, { token, generation, expiresAt })
    token.catch(() => this.forget(provider))
    return token
  }

  /** The newest token made for this provider. */
  latest(provider: Address): Promise<string> {
    return this.#cache.get(provider.toLowerCase())?.token ?? this.get(provider, 0)
  }

  forget(provider: Address): void {
    this.#cache.delete(provider.toLowerCase())
  }

  async #make(provider: Address, generation: number, timestamp: number, expiresAt: number): Promise<string> {
    const account = requireAccount(this.#session)
    const signer = await account.signer(this.#session.rpc)
    const address = (await signer.getAddress()) as Address
    const nonce = this.#session.runtime.randomHex(16)
    const claims = { address, provider, timestamp, expiresAt, nonce, generation, tokenId: EPHEMERAL_TOKEN_ID }
    return createToken(claims, async (hash) => (await signer.signMessage(hexToBytes(hash))) as Hex)
  }
}
