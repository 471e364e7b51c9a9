import type { Address, Hex } from '../../../base/hex.ts'
import { feeOf } from '../../../protocol/pricing.ts'
import type { SignedReceipt } from '../../../protocol/receipt.ts'
import { emptyAccount, raise, type UserAccount } from '../account.ts'
import { ledgerClosed } from '../errors.ts'
import type { Charge, Issuer } from '../issuer.ts'
import {
  addSpending,
  type CountedKey,
  type KeySpending,
  keySpendingOf,
  keySpendingRow,
} from '../keySpending.ts'
import { insertReceipts, putExchange, putKeySpending, putUsers } from '../queries.ts'
import { accountOfRow, receiptOf, receiptRow, userRow } from '../rows.ts'
import { type ExchangeRow, RECEIPT_COLUMNS, type ReceiptRow, USER_COLUMNS } from '../tables.ts'
import type { PostgresDatabase, Writing } from './database.ts'
import { spendingOfKeys } from './keys.ts'
import type { Memory } from './memory.ts'
import { soundOr } from './soundOr.ts'

/** What waits for the next transaction. */
type Job = { resolve(signed: SignedReceipt | null): void; reject(error: unknown): void } & (
  | { readonly kind: 'charge'; readonly charge: Charge; readonly fee: bigint }
  | { readonly kind: 'checkpoint'; readonly row: ExchangeRow }
  | { readonly kind: 'end'; readonly id: string }
)
type ChargeJob = Extract<Job, { kind: 'charge' }>
type JobBody = Job extends infer Each ? (Each extends Job ? Omit<Each, 'resolve' | 'reject'> : never) : never

/** In one transaction; its signatures are made while it holds the counter. */
const MAX_JOBS = 256

interface Written {
  readonly accounts: readonly UserAccount[]
  readonly spending: ChargeBatch['spending']
  /** How each charge of the batch ended. */
  readonly ends: ReadonlyMap<ChargeJob, SignedReceipt | Error>
}

/**
 * Group commit of one replica: everything that arrives while a transaction is under way shares the next one. Each
 * transaction takes the provider's numbers, raises the counters and stores the signed receipts.
 */
export class PostgresCommits {
  readonly #database: PostgresDatabase
  readonly #issuer: Issuer
  readonly #memory: Memory
  #jobs: Job[] = []
  #running: Promise<void> | null = null
  #isClosed = false

  constructor(database: PostgresDatabase, issuer: Issuer, memory: Memory) {
    this.#database = database
    this.#issuer = issuer
    this.#memory = memory
  }

  async charge(charge: Charge): Promise<SignedReceipt> {
    const { exchange, delivered } = charge
    const fee = feeOf(delivered.counts, exchange.prices, exchange.multipliers)
    this.#memory.addInFlight(exchange.user, fee)
    try {
      return (await this.#add({ kind: 'charge', charge, fee })) as SignedReceipt
    } finally {
      this.#memory.addInFlight(exchange.user, -fee)
    }
  }

  async checkpoint(row: ExchangeRow): Promise<void> {
    await this.#add({ kind: 'checkpoint', row })
  }

  async end(id: string): Promise<void> {
    await this.#add({ kind: 'end', id })
  }

  /** Commits what waits; later calls are refused. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#running
  }

  #add(body: JobBody): Promise<SignedReceipt | null> {
    if (this.#isClosed) return Promise.reject(ledgerClosed(this.#database.name))
    return new Promise((resolve, reject) => {
      this.#jobs.push({ ...body, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  async #run(): Promise<void> {
    await new Promise((turn) => setImmediate(turn))
    while (this.#jobs.length > 0) await this.#commit(this.#jobs.splice(0, MAX_JOBS))
    this.#running = null
  }

  async #commit(batch: readonly Job[]): Promise<void> {
    try {
      const { accounts, spending, ends } = await this.#write(batch)
      for (const account of accounts) this.#memory.learnCharge(account)
      for (const counted of spending.keys) this.#memory.learnSpending(counted.id, counted, spending.today)
      for (const job of batch) {
        const end = job.kind === 'charge' ? ends.get(job) : null
        if (end instanceof Error) job.reject(end)
        else job.resolve(end ?? null)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  async #write(batch: readonly Job[]): Promise<Written> {
    const charges = batch.filter((job) => job.kind === 'charge')
    const ended = new Set(batch.flatMap((job) => (job.kind === 'end' ? job.id : (idOf(job) ?? []))))
    const checkpoints = newest(batch).filter(({ id }) => !ended.has(id))
    if (checkpoints.length > 0) {
      await this.#database.plainly(async (db) => {
        for (const row of checkpoints) await putExchange(db, row).execute()
      })
    }
    if (charges.length > 0)
      return this.#database.exclusively((writing) => this.#charge(writing, charges, ended))
    if (ended.size > 0) {
      await this.#database.plainly((db) =>
        db
          .deleteFrom('exchanges')
          .where('id', 'in', [...ended])
          .execute(),
      )
    }
    return { accounts: [], spending: { keys: [], today: 0 }, ends: new Map() }
  }

  async #charge(writing: Writing, jobs: readonly ChargeJob[], ended: ReadonlySet<string>): Promise<Written> {
    const { tx } = writing
    const batch = new ChargeBatch(this.#database, this.#issuer, writing.lastSeq)
    await batch.load(tx, jobs)
    for (const job of jobs) batch.add(job)
    const { receipts, changed } = batch
    if (receipts.length > 0) {
      const { seal } = this.#database
      await insertReceipts(tx, receipts).execute()
      await putUsers(
        tx,
        changed.map((account) => userRow(seal, account)),
      ).execute()
      const spending = batch.spending.keys.map((counted) => keySpendingRow(seal, counted))
      if (spending.length > 0) await putKeySpending(tx, spending).execute()
      await writing.raiseSeq(receipts.at(-1)!.seq)
    }
    await tx
      .deleteFrom('exchanges')
      .where('id', 'in', [...ended])
      .execute()
    return { accounts: changed, spending: batch.spending, ends: batch.ends }
  }
}

/** The charges of one transaction, computed on rows that nobody else can change meanwhile. */
class ChargeBatch {
  readonly receipts: ReceiptRow[] = []
  readonly ends = new Map<ChargeJob, SignedReceipt | Error>()
  readonly #database: PostgresDatabase
  readonly #issuer: Issuer
  readonly #signed = new Map<string, SignedReceipt>()
  readonly #accounts = new Map<Address, UserAccount | Error>()
  readonly #changed = new Set<Address>()
  readonly #spending = new Map<Hex, KeySpending | Error>()
  readonly #counted = new Set<Hex>()
  #today = 0
  #lastSeq: number

  constructor(database: PostgresDatabase, issuer: Issuer, lastSeq: number) {
    this.#database = database
    this.#issuer = issuer
    this.#lastSeq = lastSeq
  }

  /** Reads what was charged before, by whichever replica, and the users' counters. */
  async load(tx: Writing['tx'], jobs: readonly ChargeJob[]): Promise<void> {
    const { identity, seal } = this.#database
    const ids = jobs.map(({ charge }) => charge.exchange.id)
    const known = await tx.selectFrom('receipts').select(RECEIPT_COLUMNS).where('id', 'in', ids).execute()
    for (const row of known) this.#signed.set(row.id, receiptOf(identity, row))
    const users = [...new Set(jobs.map(userOf))]
    const rows = await tx.selectFrom('users').select(USER_COLUMNS).where('user', 'in', users).execute()
    for (const row of rows)
      this.#accounts.set(
        row.user,
        soundOr(() => accountOfRow(seal, row)),
      )
    const keys = await spendingOfKeys(
      tx,
      jobs.flatMap(({ charge }) => charge.exchange.key?.id ?? []),
    )
    this.#today = keys.today
    for (const { today, ...row } of keys.rows)
      this.#spending.set(
        row.id,
        soundOr(() => keySpendingOf(seal, row)),
      )
  }

  /** A charge that cannot be made stops itself, and nobody else. */
  add(job: ChargeJob): void {
    const known = this.#signed.get(job.charge.exchange.id)
    this.ends.set(job, known ?? soundOr(() => this.#issue(job)))
  }

  get changed(): UserAccount[] {
    return [...this.#changed].map((user) => this.#accounts.get(user) as UserAccount)
  }

  /** What was charged for keys that carry a limit. */
  get spending(): { readonly keys: readonly KeySpending[]; readonly today: number } {
    const keys = [...this.#counted].map((id) => this.#spending.get(id) as KeySpending)
    return { keys, today: this.#today }
  }

  #issue(job: ChargeJob): SignedReceipt {
    const { charge, fee } = job
    const user = userOf(job)
    const before = this.#accounts.get(user) ?? emptyAccount(user)
    if (before instanceof Error) throw before
    const account = raise(before, this.#lastSeq + 1, before.charged + fee)
    const signed = this.#issuer.issue(account, fee, charge)
    this.#lastSeq = account.lastSeq
    this.#accounts.set(user, account)
    this.#changed.add(user)
    this.#signed.set(charge.exchange.id, signed)
    if (charge.exchange.key) this.#count(charge.exchange.key, user, fee)
    this.receipts.push(receiptRow(charge.exchange.id, signed))
    return signed
  }

  /** What was delivered is charged to the user, whatever became of the key's row. */
  #count(key: CountedKey, user: Address, fee: bigint): void {
    const before = this.#spending.get(key.id)
    if (before instanceof Error) return
    this.#spending.set(key.id, addSpending(before, key, user, fee, this.#today))
    this.#counted.add(key.id)
  }
}

const userOf = ({ charge }: ChargeJob): Address => charge.exchange.user.toLowerCase() as Address

const idOf = (job: Job): string | null => (job.kind === 'charge' ? job.charge.exchange.id : null)

/** The newest checkpoint of each exchange. */
function newest(batch: readonly Job[]): ExchangeRow[] {
  const rows = new Map<string, ExchangeRow>()
  for (const job of batch) if (job.kind === 'checkpoint') rows.set(job.row.id, job.row)
  return [...rows.values()]
}
