import { setTimeout as sleep } from 'node:timers/promises'
import type { Contract, JsonRpcApiProvider } from 'ethers'
import { type Address, sameAddress } from '../../base/hex.ts'
import { readSettled, type Settled } from '../../chain/batches.ts'
import { type ChainDelegation, readDelegation } from '../../chain/delegations.ts'
import type { Account } from '../../chain/inference.ts'
import { Lru } from '../lru.ts'

export interface SessionsOptions {
  readonly rpc: JsonRpcApiProvider
  /** `InferenceServing`, on `rpc`. */
  readonly contract: Contract
  readonly provider: Address
}

/** What the chain says of a session key, and of the account that it is used for. */
export interface KnownSession {
  readonly delegation: ChainDelegation
  readonly mode: Settled['mode']
  /** The chain's time when it was read, unix seconds. */
  readonly readAt: number
}

interface Reading {
  /** The account as it was known then. */
  readonly account: Account
  readonly session: Promise<KnownSession>
}

const MAX_SESSIONS = 10_000
/** Between two reads that a user causes by keys that are not its own, ms: a key costs nothing to make up. */
const READ_GAP_MS = 250

/**
 * Session keys as the chain has them. A block that touches an account, as every delegation does, makes the account
 * book read it anew: as long as it is the same object, nothing was delegated or ended since.
 */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #readings = new Lru<Address, Reading>(MAX_SESSIONS)
  readonly #turns = new Lru<Address, Promise<unknown>>(MAX_SESSIONS)

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** @param sessionKey lower case */
  of(sessionKey: Address, account: Account): Promise<KnownSession> {
    const known = this.#readings.get(sessionKey)
    if (known?.account === account) return known.session
    const reading = { account, session: this.#inTurn(account, () => this.#read(sessionKey, account)) }
    this.#readings.set(sessionKey, reading)
    reading.session.catch(() => {
      if (this.#readings.get(sessionKey) === reading) this.#readings.delete(sessionKey)
    })
    return reading.session
  }

  /** One read at a time for each user; after a key that is not its own the next waits a moment. */
  #inTurn({ user }: Account, read: () => Promise<KnownSession>): Promise<KnownSession> {
    const before = this.#turns.get(user) ?? Promise.resolve()
    const result = before.then(read)
    const rest = () => sleep(READ_GAP_MS, undefined, { ref: false })
    const after = ({ delegation }: KnownSession) => (isOf(delegation, user) ? undefined : rest())
    this.#turns.set(user, result.then(after, rest))
    return result
  }

  async #read(sessionKey: Address, account: Account): Promise<KnownSession> {
    const { rpc, contract, provider } = this.#options
    const [delegation, { mode }, head] = await Promise.all([
      readDelegation(contract, provider, sessionKey),
      readSettled(contract, account.user, provider),
      rpc.getBlock('latest'),
    ])
    return { delegation, mode, readAt: head?.timestamp ?? 0 }
  }
}

/** Whether the key signs for this user. */
export const isOf = ({ user }: ChainDelegation, payer: Address): boolean =>
  user !== null && sameAddress(user, payer)
