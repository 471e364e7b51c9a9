import type { Transaction } from 'kysely'
import type { Address } from '../../../base/hex.ts'
import { batchPayer, emptyAccount, type UserAccount } from '../account.ts'
import { BatchBook, type BatchStep } from '../batchBook.ts'
import type { SettledTotals, StoredBatch } from '../batches.ts'
import { batchesOf, batchRow } from '../batchRows.ts'
import { putBatches, putUsers, unfinishedBatches } from '../queries.ts'
import { accountOfRow, userRow } from '../rows.ts'
import { BATCH_COLUMNS, type Tables, USER_COLUMNS, type UserRow } from '../tables.ts'
import type { PostgresDatabase } from './database.ts'

type Tx = Transaction<Tables>

/** Batches in PostgreSQL: every step reads, checks and writes rows under the lock of the counter. */
export class PostgresBatches extends BatchBook {
  readonly #database: PostgresDatabase
  /** Told of a payer who is left out because of its rows. */
  readonly #onFault: (error: Error) => void

  constructor(database: PostgresDatabase, onFault: (error: Error) => void) {
    super()
    this.#database = database
    this.#onFault = onFault
  }

  protected async debtors(): Promise<readonly UserAccount[]> {
    const rows = await this.#database.plainly((db) =>
      db
        .selectFrom('users')
        .select(USER_COLUMNS)
        .whereRef('charged', '<>', 'paid')
        .where('open', '=', 0)
        .orderBy('user')
        .execute(),
    )
    return this.#sound(rows)
  }

  open(users: readonly Address[]): Promise<StoredBatch> {
    return this.#database.exclusively(async ({ tx, lastSeq, raiseSeq }) => {
      const payers = (await this.#accounts(tx, users)).map(batchPayer)
      const batch: StoredBatch = { number: lastSeq + 1, payers, state: 'open', txHash: null, block: null }
      await raiseSeq(batch.number)
      await putBatches(tx, batchRow(this.#database.seal, batch)).execute()
      return batch
    })
  }

  async unfinished(): Promise<StoredBatch[]> {
    const rows = await this.#database.plainly((db) => unfinishedBatches(db).execute())
    return batchesOf(this.#database.seal, rows)
  }

  protected change(user: Address, step: (account: UserAccount) => UserAccount): Promise<void> {
    return this.#database.exclusively(async ({ tx }) => {
      const key = user.toLowerCase() as Address
      const [row] = await tx.selectFrom('users').select(USER_COLUMNS).where('user', '=', key).execute()
      const { seal } = this.#database
      const account = step(row ? accountOfRow(seal, row) : emptyAccount(key))
      await putUsers(tx, userRow(seal, account)).execute()
    })
  }

  protected settle(
    number: number,
    settled: SettledTotals,
    change: Partial<StoredBatch>,
    step: BatchStep,
  ): Promise<void> {
    return this.#database.exclusively(async ({ tx }) => {
      const batch = await this.#unfinished(tx, number)
      if (!batch) return
      const payers = batch.payers.filter(({ user }) => settled.has(user))
      const accounts = await this.#accounts(
        tx,
        payers.map(({ user }) => user),
      )
      const { seal } = this.#database
      for (const account of accounts) {
        const payer = payers.find(({ user }) => user === account.user)!
        await putUsers(tx, userRow(seal, step(account, settled.get(payer.user)!, payer))).execute()
      }
      await putBatches(tx, batchRow(seal, { ...batch, ...change })).execute()
    })
  }

  protected move(number: number, change: Partial<StoredBatch>): Promise<void> {
    return this.#database.exclusively(async ({ tx }) => {
      const batch = await this.#unfinished(tx, number)
      if (batch) await putBatches(tx, batchRow(this.#database.seal, { ...batch, ...change })).execute()
    })
  }

  async #unfinished(tx: Tx, number: number): Promise<StoredBatch | undefined> {
    const rows = await tx
      .selectFrom('batches')
      .select(BATCH_COLUMNS)
      .where('number', '=', number)
      .where('state', 'in', ['open', 'done'])
      .execute()
    return batchesOf(this.#database.seal, rows)[0]
  }

  async #accounts(tx: Tx, users: readonly Address[]): Promise<UserAccount[]> {
    if (users.length === 0) return []
    const wanted = users.map((user) => user.toLowerCase() as Address)
    const rows = await tx.selectFrom('users').select(USER_COLUMNS).where('user', 'in', wanted).execute()
    return this.#sound(rows)
  }

  /** What the enclave did not write is told, and left out. */
  #sound(rows: readonly UserRow[]): UserAccount[] {
    return rows.flatMap((row) => {
      try {
        return [accountOfRow(this.#database.seal, row)]
      } catch (error) {
        if ((error as { code?: string }).code !== 'ledger_row_tampered') throw error
        this.#onFault(error as Error)
        return []
      }
    })
  }
}
