import type { Address, Hex } from '../base/hex.ts'
import { hexToBytes } from '../base/hex.ts'
import {
  EPHEMERAL_TOKEN_ID,
  encodeToken,
  type SessionClaims,
  tokenHash,
  tokenMessage,
} from '../protocol/sessionToken.ts'
import { addressOf } from '../protocol/signature.ts'
import type { Abilities } from './capabilities/abilities.ts'
import { bearerCredential, type Credential, sessionCredential } from './credential.ts'
import { type BuyerSession, requireAccount } from './session.ts'

const LIFETIME_MS = 60 * 60 * 1000
/** A token is replaced this long before it expires. */
const MARGIN_MS = 5 * 60 * 1000

interface CachedToken {
  readonly credential: Promise<Credential>
  readonly generation: number
  readonly isBound: boolean
  readonly expiresAt: number
}

/** Short-lived tokens, one a provider, and the keys that they are bound to; in memory only. */
export class SessionTokens {
  readonly #session: BuyerSession
  readonly #cache = new Map<string, CachedToken>()

  constructor(session: BuyerSession) {
    this.#session = session
  }

  /**
   * A token for this provider, bound to a session key where its broker knows them.
   * @param generation of the on-chain account, 0 where there is none
   */
  get(provider: Address, generation: number, abilities: Abilities): Promise<Credential> {
    const key = provider.toLowerCase()
    const now = this.#session.runtime.now()
    const isBound = abilities.signedRequests
    const cached = this.#cache.get(key)
    const fits = cached?.generation === generation && cached.isBound === isBound
    if (fits && cached.expiresAt - MARGIN_MS > now) return cached.credential
    const expiresAt = now + LIFETIME_MS
    const credential = this.#make(provider, { generation, timestamp: now, expiresAt }, abilities)
    this.#cache.set(key, { credential, generation, isBound, expiresAt })
    credential.catch(() => this.forget(provider))
    return credential
  }

  /** A token of the generation that the newest one for this provider has: an answer may take longer than a token lasts. */
  latest(provider: Address, abilities: Abilities): Promise<Credential> {
    return this.get(provider, this.#cache.get(provider.toLowerCase())?.generation ?? 0, abilities)
  }

  forget(provider: Address): void {
    this.#cache.delete(provider.toLowerCase())
  }

  async #make(
    provider: Address,
    times: Pick<SessionClaims, 'generation' | 'timestamp' | 'expiresAt'>,
    { signedRequests, tokenDomain }: Abilities,
  ): Promise<Credential> {
    const { network, runtime } = this.#session
    const wallet = await this.#wallet()
    const key = signedRequests ? hexToBytes(runtime.randomHex(32)) : null
    const message = tokenMessage({
      address: wallet.address,
      provider,
      ...times,
      nonce: runtime.randomHex(16),
      tokenId: EPHEMERAL_TOKEN_ID,
      ...((tokenDomain || key) && { chainId: network.chainId, contract: network.inference }),
      ...(key && { sessionKey: addressOf(key) }),
    })
    const hash = tokenHash(message)
    const token = encodeToken(message, await wallet.sign(hash))
    if (!key) return bearerCredential(token)
    return sessionCredential({ token, tokenHash: hash, key }, network, runtime)
  }
  /** The chain is connected only for a wallet that cannot sign without. */
  async #wallet(): Promise<{ readonly address: Address; readonly sign: (bytes: Hex) => Promise<Hex> }> {
    const { address, sign, signer } = requireAccount(this.#session)
    if (sign) return { address, sign }
    const wallet = await signer((await this.#session.connected()).rpc)
    return {
      address: (await wallet.getAddress()) as Address,
      sign: async (bytes) => (await wallet.signMessage(hexToBytes(bytes))) as Hex,
    }
  }
}
