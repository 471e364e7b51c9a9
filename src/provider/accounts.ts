import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Block,
  type Contract,
  type JsonRpcApiProvider,
  id as keccakText,
  type Log,
  zeroPadValue,
} from 'ethers'
import type { Address } from '../base/hex.ts'
import type { Logger } from '../base/log.ts'
import { hasBatches, readSettled } from '../chain/batches.ts'
import { type Account, findAccount } from '../chain/inference.ts'
import { Lru } from './lru.ts'

export interface AccountBookOptions {
  readonly rpc: JsonRpcApiProvider
  /** `InferenceServing`, on `rpc`. */
  readonly contract: Contract
  readonly provider: Address
  readonly log: Logger
  /** Between looks at the head, ms: 200 on a devnet, 2000 elsewhere. */
  readonly pollMs: number
  /** A devnet makes a block when there is a transaction: there an answer counts as a head seen. */
  readonly blocksOnDemand: boolean
  /** Told of a user who asks for money back: what is owed has to be settled before the lock ends. */
  readonly onLeaving?: (user: Address) => void
  /** Told of an account whose user revoked tokens, as of the block that says so. */
  readonly onRevoked?: (account: Account) => void
  /**
   * Told what batches took of a user in all, neuron, before the account is known here: the ledger may have forgotten
   * what an account was charged before it was closed, and no receipt may say less than was settled.
   */
  readonly onSettled?: (user: Address, settled: bigint) => Promise<void>
  /** ms; default the clock. */
  readonly now?: () => number
}

interface Head {
  readonly number: number
  readonly hash: string
}

/** Events by which a user asks for money back, or ends service: the deployed one, and those of these contracts. */
const LEAVING = new Set([
  keccakText('RefundRequested(address,address,uint256,uint256)'),
  keccakText('RefundQueued(address,address,uint256,uint256)'),
  keccakText('AcknowledgementWithdrawn(address,address,uint256)'),
  // A session key is delegated, or ended: what it signed can be claimed for one lock time more.
  keccakText('Delegated(address,address,address,uint256,uint256)'),
])
/** Events by which a user revokes tokens. */
const REVOKING = new Set([
  keccakText('TokenRevoked(address,address,uint8)'),
  keccakText('TokensRevoked(address,address,uint8[])'),
  keccakText('AllTokensRevoked(address,address,uint256)'),
])
/** The only event of an account that names no provider. */
const PAYER_SETTLED = keccakText('PayerSettled(address,uint256)')

const MAX_ACCOUNTS = 10_000
/** After a longer gap everything is read again instead of searching the logs of so many blocks. */
const MAX_GAP_BLOCKS = 500
const MAX_BACKOFF_MS = 10_000
/** Between two reads of one user that refusals ask for, ms. */
const REFRESH_GAP_MS = 250

/**
 * The on-chain accounts of this provider's users, as the request path needs them: cached, and read again when
 * a block touches them, before that block counts as seen. A revocation so takes effect within one block.
 */
export class AccountBook {
  readonly #options: AccountBookOptions
  readonly #now: () => number
  readonly #accounts = new Lru<string, Account>(MAX_ACCOUNTS)
  /** Addresses without an account, apart: asking for many of them must not push accounts out. */
  readonly #strangers = new Lru<string, null>(MAX_ACCOUNTS)
  /** Reads that wait for their turn, and when the last one of a user began. */
  readonly #waiting = new Map<string, Promise<Account | null>>()
  readonly #refreshedAt = new Lru<string, number>(MAX_ACCOUNTS)
  readonly #reads = new Map<string, Promise<Account | null>>()
  #head: Head | null = null
  #headSeenAt = 0
  /** Users read as of the newest block, which may be one that is not followed yet, and may never be. */
  readonly #ahead = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  #polling: Promise<void> = Promise.resolve()
  #failures = 0
  #isStopped = false

  constructor(options: AccountBookOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** When the newest head was seen, ms; 0 before the first. What the cache holds is as old as this at most. */
  get headSeenAt(): number {
    return this.#headSeenAt
  }

  /** Begins to follow the chain. @throws when the chain does not answer the first time */
  async start(): Promise<void> {
    await hasBatches(this.#options.contract)
    await this.#advance()
    this.#scheduleNext()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#polling
  }

  /** The user's sub-account, or null when there is none. One read at a time for each user. */
  async get(user: Address): Promise<Account | null> {
    const known = this.known(user)
    return known === undefined ? this.#readNewest(user) : known
  }

  /** The sub-account as the cache has it: null when there is none, undefined when it was not read. */
  known(user: Address): Account | null | undefined {
    const key = user.toLowerCase()
    return this.#accounts.get(key) ?? this.#strangers.get(key)
  }

  /**
   * Reads the sub-account again: before a refusal, the chain itself is asked. For one user at most four times
   * a second; who asks sooner waits for the next turn, together with all others.
   */
  refresh(user: Address): Promise<Account | null> {
    const key = user.toLowerCase()
    const waiting = this.#waiting.get(key)
    if (waiting) return waiting
    const waitMs = (this.#refreshedAt.get(key) ?? Number.NEGATIVE_INFINITY) + REFRESH_GAP_MS - this.#now()
    if (waitMs <= 0) return this.#refreshNow(user)
    const turn = sleep(waitMs).then(() => {
      this.#waiting.delete(key)
      return this.#refreshNow(user)
    })
    this.#waiting.set(key, turn)
    return turn
  }

  #refreshNow(user: Address): Promise<Account | null> {
    this.#refreshedAt.set(user.toLowerCase(), this.#now())
    this.invalidate(user)
    return this.#readNewest(user)
  }

  /** Forgets what is known of a user; a read that is on its way is not kept either. */
  invalidate(user: Address): void {
    const key = user.toLowerCase()
    this.#accounts.delete(key)
    this.#strangers.delete(key)
    this.#reads.delete(key)
  }

  #readNewest(user: Address): Promise<Account | null> {
    return this.#reads.get(user.toLowerCase()) ?? this.#read(user, 'latest')
  }

  #read(user: Address, block: number | 'latest'): Promise<Account | null> {
    const key = user.toLowerCase()
    const read = this.#find(user, block)
      .then((account) => {
        if (this.#reads.get(key) === read) this.#keep(key, account)
        if (block === 'latest') this.#ahead.add(key)
        return account
      })
      .finally(() => {
        if (this.#reads.get(key) === read) this.#reads.delete(key)
      })
    this.#reads.set(key, read)
    return read
  }

  async #find(user: Address, block: number | 'latest'): Promise<Account | null> {
    const { contract, provider, onSettled } = this.#options
    const account = await findAccount(contract, user, provider, block)
    if (!account || !(await hasBatches(contract))) return account
    const { settled } = await readSettled(contract, user, provider, block)
    await onSettled?.(user, settled)
    if (settled === 0n || block !== 'latest') return { ...account, settled }
    // A batch may have come between: then what is owed looks too high for a moment, never too low.
    const newest = await findAccount(contract, user, provider, block)
    return newest && { ...newest, settled }
  }

  #keep(key: string, account: Account | null): void {
    if (account) this.#accounts.set(key, account)
    else this.#strangers.set(key, null)
  }

  #scheduleNext(): void {
    if (this.#isStopped) return
    const backoff = Math.min(this.#options.pollMs * 2 ** this.#failures, MAX_BACKOFF_MS)
    this.#timer = setTimeout(() => {
      this.#polling = this.#poll().finally(() => this.#scheduleNext())
    }, backoff)
    this.#timer.unref()
  }

  async #poll(): Promise<void> {
    try {
      await this.#advance()
      if (this.#failures) this.#options.log.info('chain_back', { failures: this.#failures })
      this.#failures = 0
    } catch (error) {
      if (!this.#failures) this.#options.log.warn('chain_unreachable', { error: codeOf(error) })
      this.#failures = Math.min(this.#failures + 1, 10)
    }
  }

  /** Looks at the head; every account that the new blocks touch is read again before the head counts. */
  async #advance(): Promise<void> {
    const askedAt = this.#now()
    const block = await this.#options.rpc.getBlock('latest')
    if (!block?.hash) throw new Error('no head')
    const head: Head = { number: block.number, hash: block.hash }
    if (this.#head?.hash === head.hash) {
      if (this.#options.blocksOnDemand) this.#headSeenAt = askedAt
      return
    }
    if (this.#head) await this.#follow(this.#head, block)
    this.#head = head
    this.#headSeenAt = askedAt
  }

  async #follow(last: Head, block: Block): Promise<void> {
    const gap = block.number - last.number
    if (gap < 1 || gap > MAX_GAP_BLOCKS || !(await this.#descends(last, block))) {
      this.#forgetAll()
      return
    }
    const { touched, revoking } = await this.#touchedUsers(last.number + 1, block.number)
    const stale = new Set([...touched, ...this.#ahead].filter((user) => this.#isKnown(user)))
    this.#ahead.clear()
    const reads = [...new Set([...stale, ...revoking])].map(async (user) => {
      const account = await this.#readAsOf(user as Address, block.number)
      if (account && revoking.has(user)) this.#options.onRevoked?.(account)
    })
    await Promise.allSettled(reads)
  }

  #readAsOf(user: Address, block: number): Promise<Account | null> {
    this.invalidate(user)
    return this.#read(user, block)
  }

  async #descends(last: Head, block: Block): Promise<boolean> {
    if (block.number === last.number + 1) return block.parentHash === last.hash
    const same = await this.#options.rpc.getBlock(last.number)
    return same?.hash === last.hash
  }

  /** Every event of an account names the user and then the provider in its topics. */
  async #touchedUsers(
    fromBlock: number,
    toBlock: number,
  ): Promise<{ readonly touched: readonly string[]; readonly revoking: ReadonlySet<string> }> {
    const { rpc, contract, provider } = this.#options
    const address = await contract.getAddress()
    const topics = [null, null, zeroPadValue(provider, 32)]
    const [logs, settled] = await Promise.all([
      rpc.getLogs({ address, fromBlock, toBlock, topics }),
      (await hasBatches(contract))
        ? rpc.getLogs({ address, fromBlock, toBlock, topics: [PAYER_SETTLED] })
        : [],
    ])
    const userOf = (log: Log) => `0x${log.topics[1]!.slice(26)}`
    const leaving = logs.filter((log) => LEAVING.has(log.topics[0]!)).map(userOf)
    for (const user of new Set(leaving)) this.#options.onLeaving?.(user as Address)
    return {
      touched: [...logs, ...settled].map(userOf),
      revoking: new Set(logs.filter((log) => REVOKING.has(log.topics[0]!)).map(userOf)),
    }
  }

  #isKnown(key: string): boolean {
    return this.#accounts.has(key) || this.#strangers.has(key) || this.#reads.has(key)
  }

  /** After a reorganisation, or too long a silence, nothing that was read counts. */
  #forgetAll(): void {
    this.#accounts.clear()
    this.#strangers.clear()
    this.#reads.clear()
    this.#ahead.clear()
  }
}

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? 'unknown')
