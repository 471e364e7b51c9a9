import type { Contract, TransactionReceipt } from 'ethers'
import { isUnattested } from '../../attestation/signers.ts'
import type { Address, Hex } from '../../base/hex.ts'
import { hexToBytes, sameAddress } from '../../base/hex.ts'
import { findAccount, isTokenRevoked } from '../../chain/inference.ts'
import { type TokenStanding, tokenStanding } from '../../chain/tokenStanding.ts'
import { type PreparedTransaction, prepare, send } from '../../chain/transaction.ts'
import {
  createToken,
  EPHEMERAL_TOKEN_ID,
  isLimitAmount,
  type LimitPeriod,
  tokenHash,
  tokenMessage,
} from '../../protocol/sessionToken.ts'
import type { KeySpent } from '../brokerApi.ts'
import { NO_ABILITIES } from '../capabilities/abilities.ts'
import { abilitiesOf } from '../capabilities/abilitiesOf.ts'
import { getProvider } from '../offers.ts'
import { requireAccount, type Session } from '../session.ts'
import type { SessionTokens } from '../tokens.ts'
import { askSpending } from './askSpending.ts'
import {
  alreadyRevoked,
  keysExhausted,
  keyUnknown,
  keyUseless,
  limitInvalid,
  limitUnenforced,
  nameInvalid,
  nameTaken,
  noAccount,
} from './errors.ts'
import type { KeyInventory, KeyRecord } from './keyInventory.ts'

export interface KeyRequest {
  readonly provider: Address
  readonly name: string
  /** ms from now; null = never expires. */
  readonly lifetimeMs: number | null
  /** What it may spend, neuron, counted by the broker; without it everything that the account has. */
  readonly limit?: { readonly amount: bigint; readonly per: LimitPeriod }
}

export interface NewKey extends KeyRecord {
  /** `app-sk-…`: not kept anywhere. */
  readonly key: string
  /** For OpenAI clients. */
  readonly baseUrl: string
  /** Whether the account that pays for it exists. */
  readonly hasAccount: boolean
}

export type KeyState = 'active' | 'expired' | 'revoked'

export interface ListedKey extends KeyRecord {
  readonly state: KeyState
  /** Of its limit in the period that runs, by the broker's word; null where there is no limit, or it does not say. */
  readonly spent: KeySpent | null
}

type KnownKey = Omit<ListedKey, 'spent'>

export interface RevokeHooks {
  /** Before the transaction; may refuse by throwing. */
  readonly onTransaction?: (prepared: PreparedTransaction) => Promise<void> | void
}

const NOTHING_SPENT: KeySpent = { amount: 0n, renewsAt: null }
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$/

/**
 * Persistent keys for OpenAI clients that talk to a broker directly. Whoever has one spends from the account until
 * it expires or is revoked: these are bearer tokens.
 */
export class ApiKeys {
  readonly #session: Session
  readonly #inventory: KeyInventory
  readonly #tokens: SessionTokens

  constructor(session: Session, inventory: KeyInventory, tokens: SessionTokens) {
    this.#session = session
    this.#inventory = inventory
    this.#tokens = tokens
  }

  /**
   * Makes a key for one provider, good at this contract of this chain alone where the broker knows of such. The number is noted before the key is signed, and never given again.
   * @throws AppError `key_name_taken`, `key_name_invalid`, `keys_exhausted`, `provider_unknown`,
   * `key_useless`, `key_limit_invalid`, `key_limit_unenforced`
   */
  async create({ provider, name, lifetimeMs, limit }: KeyRequest): Promise<NewKey> {
    if (!NAME.test(name)) throw nameInvalid(name)
    if (limit && !isLimitAmount(`${limit.amount}`)) throw limitInvalid(limit.amount)
    const { network, runtime } = this.#session
    const { address: user, signer } = requireAccount(this.#session)
    const service = await getProvider(this.#session, provider)
    if (isUnattested(service)) throw keyUseless(provider)
    const account = await findAccount(this.#session.inference, user, provider)
    // A broker that does not answer may be one of the deployed network.
    const { tokenDomain, keyLimits } = await abilitiesOf(this.#session, service).catch(() => NO_ABILITIES)
    if (limit && !(tokenDomain && keyLimits)) throw limitUnenforced(provider)
    const createdAt = runtime.now()
    const owner = { chainId: network.chainId, contract: network.inference, user, provider }
    const standing = account ?? (await tokenStanding(this.#session.inference, user, provider))
    const { generation } = standing
    const expiresAt = lifetimeMs === null ? 0 : createdAt + lifetimeMs
    const record = await this.#reserve(
      {
        ...{ ...owner, name, generation, createdAt, expiresAt, fingerprint: null },
        ...(limit && { limit: { amount: limit.amount.toString(), per: limit.per } }),
      },
      standing,
    )

    const wallet = await signer(this.#session.rpc)
    const nonce = runtime.randomHex(16)
    const { tokenId } = record
    const address = (await wallet.getAddress()) as Address
    const claims = {
      ...{ address, provider, timestamp: createdAt, expiresAt, nonce, generation, tokenId },
      ...(tokenDomain && { chainId: network.chainId, contract: network.inference }),
      ...(record.limit && { limit: record.limit.amount, limitPer: record.limit.per }),
    }
    const id = tokenHash(tokenMessage(claims))
    const key = await createToken(claims, async (hash) => (await wallet.signMessage(hexToBytes(hash))) as Hex)
    const fingerprint = this.#fingerprint(key)
    await this.#inventory.change((records) =>
      records.map((other) => (isSame(other, record) ? { ...other, fingerprint, id } : other)),
    )
    const baseUrl = `${service.url.replace(/\/+$/, '')}/v1/proxy`
    return { ...record, fingerprint, id, key, baseUrl, hasAccount: account !== null }
  }

  /** Keys that were made here, with what the chain says of them, and the broker of those that carry a limit. */
  async list(provider?: Address): Promise<ListedKey[]> {
    const known = await this.#known(provider)
    const limited = known.filter(({ limit, state }) => limit && state === 'active')
    const generations = new Map(limited.map((key) => [key.provider, key.generation]))
    const told = new Map(
      await Promise.all(
        [...generations].map(
          async ([at, generation]) =>
            [at, await askSpending(this.#session, this.#tokens, at, generation)] as const,
        ),
      ),
    )
    const spentBy = ({ id, provider: at }: KnownKey): KeySpent | null => {
      const spent = told.get(at)
      return spent && id ? (spent.get(id) ?? NOTHING_SPENT) : null
    }
    return known.map((key) => ({ ...key, spent: limited.includes(key) ? spentBy(key) : null }))
  }

  async #known(provider?: Address): Promise<KnownKey[]> {
    const records = (await this.#own()).filter(
      (record) => !provider || sameAddress(record.provider, provider),
    )
    const providers = [...new Set(records.map((record) => record.provider))]
    const { inference } = this.#session
    const user = requireAccount(this.#session).address
    const standings = new Map(
      await Promise.all(providers.map(async (at) => [at, await tokenStanding(inference, user, at)] as const)),
    )
    const now = this.#session.runtime.now()
    return records.map((record) => ({
      ...record,
      state: stateOf(record, standings.get(record.provider)!, now),
    }))
  }

  /**
   * Revokes one key on chain: a broker that follows the chain refuses it from the next block on.
   * @throws AppError `key_unknown`, `key_revoked_already`, `key_without_account`, those of transactions
   */
  async revoke(name: string, hooks: RevokeHooks = {}): Promise<TransactionReceipt> {
    const records = await this.#known()
    const record = records.findLast((candidate) => candidate.name === name)
    if (!record)
      throw keyUnknown(
        name,
        records.map((known) => known.name),
      )
    if (record.state === 'revoked') throw alreadyRevoked(name)
    const { provider, tokenId } = record
    return this.#send(
      `revoke the key "${name}" at ${provider}`,
      'revokeToken',
      provider,
      [provider, tokenId],
      hooks,
    )
  }

  /** Revokes every key and session token at a provider, those made elsewhere too, in one transaction. */
  revokeAll(provider: Address, hooks: RevokeHooks = {}): Promise<TransactionReceipt> {
    return this.#send(`revoke every key at ${provider}`, 'revokeAllTokens', provider, [provider], hooks)
  }

  async #reserve(record: Omit<KeyRecord, 'tokenId'>, standing: TokenStanding): Promise<KeyRecord> {
    let reserved: KeyRecord | undefined
    const bytes = this.#session.runtime.randomHex(4)
    await this.#inventory.change((records) => {
      const own = records.filter((other) => isOwner(other, record))
      if (
        own.some(
          (other) => other.name === record.name && stateOf(other, standing, record.createdAt) === 'active',
        )
      ) {
        throw nameTaken(record.name)
      }
      const used = new Set(
        own.filter((other) => other.generation === record.generation).map(({ tokenId }) => tokenId),
      )
      const free = TOKEN_IDS.filter((id) => !used.has(id) && !isTokenRevoked(standing, id))
      if (free.length === 0) throw keysExhausted(record.provider)
      reserved = { ...record, tokenId: free[Number.parseInt(bytes, 16) % free.length]! }
      return [...records, reserved]
    })
    return reserved!
  }

  async #own(): Promise<KeyRecord[]> {
    const { network } = this.#session
    const user = requireAccount(this.#session).address
    const owner = { chainId: network.chainId, contract: network.inference, user }
    return (await this.#inventory.list()).filter((record) =>
      isOwner(record, { ...owner, provider: record.provider }),
    )
  }

  async #send(
    title: string,
    method: string,
    provider: Address,
    args: readonly unknown[],
    { onTransaction }: RevokeHooks,
  ): Promise<TransactionReceipt> {
    const { inference, rpc } = this.#session
    const { address, signer } = requireAccount(this.#session)
    if (!(await findAccount(inference, address, provider))) throw noAccount(provider)
    const wallet = await signer(rpc)
    const prepared = await prepare(wallet, {
      title,
      contract: inference.connect(wallet) as Contract,
      method,
      args,
    })
    await onTransaction?.(prepared)
    return send(wallet, prepared)
  }

  #fingerprint(key: string): string {
    const hash = this.#session.runtime.sha256()
    hash.update(new TextEncoder().encode(key))
    return hash.digest().slice(0, 16)
  }
}

/** Deployed clients always take 0, and another machine's inventory is unknown here: any of the others, by chance. */
const TOKEN_IDS = Array.from({ length: EPHEMERAL_TOKEN_ID - 1 }, (_, i) => i + 1)

type Owner = Pick<KeyRecord, 'chainId' | 'contract' | 'user' | 'provider'>

const isOwner = (record: KeyRecord, owner: Owner): boolean =>
  record.chainId === owner.chainId &&
  sameAddress(record.contract, owner.contract) &&
  sameAddress(record.user, owner.user) &&
  sameAddress(record.provider, owner.provider)

const isSame = (a: KeyRecord, b: KeyRecord): boolean =>
  isOwner(a, b) && a.tokenId === b.tokenId && a.generation === b.generation

function stateOf(
  { generation, tokenId, expiresAt }: KeyRecord,
  standing: TokenStanding,
  now: number,
): KeyState {
  if (generation !== standing.generation || isTokenRevoked(standing, tokenId)) return 'revoked'
  return expiresAt !== 0 && expiresAt <= now ? 'expired' : 'active'
}
