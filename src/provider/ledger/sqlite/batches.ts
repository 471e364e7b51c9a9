import type { Address } from '../../../base/hex.ts'
import { batchPayer, type UserAccount } from '../account.ts'
import { BatchBook, type BatchStep } from '../batchBook.ts'
import type { SettledTotals, StoredBatch } from '../batches.ts'
import { batchesOf, batchRow } from '../batchRows.ts'
import { userRow } from '../rows.ts'
import type { RowSeal } from '../seal.ts'
import type { BatchRow } from '../tables.ts'
import type { GroupCommit } from './groupCommit.ts'
import type { SqliteNumbers } from './numbers.ts'
import { type Write, write } from './statements.ts'
import type { Held, Users } from './users.ts'

interface Parts {
  readonly users: Users
  readonly numbers: SqliteNumbers
  readonly commits: GroupCommit
  readonly seal: RowSeal
}

/** Batches in SQLite. As with charges memory moves when a call is made, and commits keep the order of the calls. */
export class SqliteBatches extends BatchBook {
  readonly #parts: Parts
  readonly #unfinished: Map<number, StoredBatch>

  constructor(parts: Parts, rows: readonly BatchRow[]) {
    super()
    this.#parts = parts
    this.#unfinished = new Map(batchesOf(parts.seal, rows).map((batch) => [batch.number, batch]))
  }

  protected async debtors(): Promise<readonly UserAccount[]> {
    return this.#parts.users.sound().map(({ account }) => account)
  }

  async open(users: readonly Address[]): Promise<StoredBatch> {
    const { numbers } = this.#parts
    const sound = users.flatMap((user) => this.#parts.users.soundOf(user) ?? [])
    const payers = sound.map(({ account }) => batchPayer(account))
    const batch: StoredBatch = { number: numbers.take(), payers, state: 'open', txHash: null, block: null }
    await this.#commit([this.#put(batch)])
    return batch
  }

  async unfinished(): Promise<StoredBatch[]> {
    return [...this.#unfinished.values()]
  }

  protected async change(user: Address, step: (account: UserAccount) => UserAccount): Promise<void> {
    const held = this.#parts.users.get(user)
    held.account = step(held.account)
    const { charged, lastSeq: seq } = held.account
    if (charged > held.durable.charged) held.durable = { seq, charged }
    await this.#commit([this.#putUser(held)])
  }

  protected async settle(
    number: number,
    settled: SettledTotals,
    change: Partial<StoredBatch>,
    step: BatchStep,
  ): Promise<void> {
    const batch = this.#unfinished.get(number)
    if (!batch) return
    const writes: Write[] = []
    for (const payer of batch.payers) {
      const total = settled.get(payer.user)
      const held = this.#parts.users.soundOf(payer.user)
      if (total === undefined || !held) continue
      held.account = step(held.account, total, payer)
      writes.push(this.#putUser(held))
    }
    await this.#commit([...writes, this.#put({ ...batch, ...change })])
  }

  protected async move(number: number, change: Partial<StoredBatch>): Promise<void> {
    const batch = this.#unfinished.get(number)
    if (batch) await this.#commit([this.#put({ ...batch, ...change })])
  }

  #put(batch: StoredBatch): Write {
    const isOver = batch.state === 'final' || batch.state === 'void'
    if (isOver) this.#unfinished.delete(batch.number)
    else this.#unfinished.set(batch.number, batch)
    return write('putBatch', batchRow(this.#parts.seal, batch))
  }

  #putUser = ({ account }: Held): Write => write('putUser', userRow(this.#parts.seal, account))

  #commit = (writes: readonly Write[]): Promise<void> => this.#parts.commits.commit(writes)
}
