import type { Transaction } from 'kysely'
import type { Address } from '../../../base/hex.ts'
import { adopt, emptyAccount, type Move, openSettlement, type UserAccount } from '../account.ts'
import { dueOfLater, PAGE } from '../due.ts'
import type { Unsettled } from '../ledger.ts'
import { putSettlements, putUsers, receiptsAfter } from '../queries.ts'
import { accountOfRow, assertOpenCount, settlementOf, settlementRow, userRow } from '../rows.ts'
import {
  type Due,
  type NewSettlement,
  type SettlementKey,
  type SettlementState,
  SettlementSteps,
  type Settlements,
  type StoredSettlement,
} from '../settlements.ts'
import { SETTLEMENT_COLUMNS, type SettlementRow, type Tables, USER_COLUMNS } from '../tables.ts'
import type { PostgresDatabase } from './database.ts'

type Tx = Transaction<Tables>

/** The part of the ledger that knows what was settled. Every step reads, checks and writes rows under the lock. */
export class PostgresSettlements extends SettlementSteps implements Settlements {
  readonly #database: PostgresDatabase
  /** Told of a payer who is left out because of its rows. */
  readonly #onFault: (error: Error) => void

  constructor(database: PostgresDatabase, onFault: (error: Error) => void) {
    super()
    this.#database = database
    this.#onFault = onFault
  }

  due(minimum: bigint): Promise<Due[]> {
    return this.#database.consistently(async (tx) => {
      const owing = await this.#owing(tx)
      const due: Due[] = []
      for (const account of owing) {
        const { charged, paid, open, user } = account
        if (open > 0 || charged - paid < minimum) continue
        const read = (after: number) => receiptsAfter(tx, user, after, PAGE).execute()
        const item = await dueOfLater(account, read).catch((error: Error) => this.#leftOut(error))
        if (item && item.amount > 0n) due.push(item)
      }
      return due
    })
  }

  unsettled(minimum = 1n): Promise<Unsettled> {
    return this.#database.consistently(async (tx) => {
      const owing = await this.#owing(tx)
      const oldest = await tx
        .selectFrom('receipts')
        .innerJoin('users', 'users.user', 'receipts.user')
        .whereRef('receipts.seq', '>', 'users.settled_seq')
        .whereRef('users.charged', '<>', 'users.paid')
        .select(({ fn }) => ['receipts.user', fn.min('receipts.issued_at').as('at')])
        .groupBy('receipts.user')
        .orderBy('at')
        .execute()
      const due = new Set(owing.flatMap(({ user, charged, paid }) => (charged - paid >= minimum ? user : [])))
      return {
        owed: owing.reduce((sum, { charged, paid }) => sum + charged - paid, 0n),
        oldestIssuedAt: oldest[0]?.at ?? null,
        oldestDueAt: oldest.find(({ user }) => due.has(user))?.at ?? null,
      }
    })
  }

  /** Of users whose rows are sound. */
  open(): Promise<StoredSettlement[]> {
    return this.#database.consistently(async (tx) => {
      const rows = await tx.selectFrom('users').select(USER_COLUMNS).where('open', '>', 0).execute()
      const found = await this.#inState(tx, 'open')
      return this.#sound(rows, (row) => accountOfRow(this.#database.seal, row)).flatMap((account) => {
        const own = found.filter(({ entry }) => entry.user === account.user)
        return this.#sound([own], (settlements) => assertedOpen(account, settlements)).flat()
      })
    })
  }

  recent(): Promise<StoredSettlement[]> {
    return this.#database.consistently((tx) => this.#inState(tx, 'done'))
  }

  async lastNonce(user: Address): Promise<bigint> {
    return this.#database.consistently(async (tx) => (await this.#account(tx, user)).lastNonce)
  }

  /** One that is stored already, as after an answer that was lost, is left as it is. */
  store(settlements: readonly NewSettlement[]): Promise<void> {
    return this.#database.exclusively(async ({ tx }) => {
      for (const fresh of settlements) {
        if (await this.#isStored(tx, fresh)) continue
        await this.#put(tx, openSettlement(await this.#account(tx, fresh.entry.user), fresh))
      }
    })
  }

  adopt(user: Address, payment: { readonly paid: bigint; readonly nonce: bigint }): Promise<void> {
    return this.#database.exclusively(async ({ tx }) => {
      const account = adopt(await this.#account(tx, user), payment)
      await putUsers(tx, userRow(this.#database.seal, account)).execute()
    })
  }

  protected move(
    keys: readonly SettlementKey[],
    state: SettlementState,
    step: (move: Move) => Move,
  ): Promise<void> {
    return this.#database.exclusively(async ({ tx }) => {
      for (const key of keys) {
        const settlement = await this.#settlement(tx, key)
        if (settlement?.state !== state) continue
        const account = await this.#account(tx, key.user)
        await this.#put(tx, step({ account, settlement }))
      }
    })
  }

  async #put(tx: Tx, { account, settlement }: Move): Promise<void> {
    const { seal } = this.#database
    await putUsers(tx, userRow(seal, account)).execute()
    await putSettlements(tx, settlementRow(seal, settlement)).execute()
  }

  async #account(tx: Tx, address: Address): Promise<UserAccount> {
    const user = address.toLowerCase() as Address
    const row = await tx.selectFrom('users').select(USER_COLUMNS).where('user', '=', user).executeTakeFirst()
    return row ? accountOfRow(this.#database.seal, row) : emptyAccount(user)
  }

  async #settlement(tx: Tx, { user, nonce }: SettlementKey): Promise<StoredSettlement | null> {
    const row = await tx
      .selectFrom('settlements')
      .select(SETTLEMENT_COLUMNS)
      .where('user', '=', user.toLowerCase() as Address)
      .where('nonce', '=', nonce.toString())
      .executeTakeFirst()
    return row ? this.#read(row) : null
  }

  async #isStored(tx: Tx, { entry }: NewSettlement): Promise<boolean> {
    const known = await this.#settlement(tx, entry)
    return (
      known?.state === 'open' &&
      known.entry.totalFee === entry.totalFee &&
      known.entry.requestsHash === entry.requestsHash
    )
  }

  async #inState(tx: Tx, state: StoredSettlement['state']): Promise<StoredSettlement[]> {
    const rows = await tx
      .selectFrom('settlements')
      .select(SETTLEMENT_COLUMNS)
      .where('state', '=', state)
      .execute()
    const sound = this.#sound(rows, (row) => this.#read(row))
    return sound.sort((a, b) => (a.entry.nonce < b.entry.nonce ? -1 : 1))
  }

  async #owing(tx: Tx): Promise<UserAccount[]> {
    const rows = await tx
      .selectFrom('users')
      .select(USER_COLUMNS)
      .whereRef('charged', '<>', 'paid')
      .orderBy('user')
      .execute()
    const accounts = this.#sound(rows, (row) => accountOfRow(this.#database.seal, row))
    return accounts.filter(({ charged, paid }) => charged > paid)
  }

  #read = (row: SettlementRow): StoredSettlement =>
    settlementOf(this.#database.seal, this.#database.identity.provider, row)

  /** What can be made of each; what the enclave did not write is told, and left out. */
  #sound<From, To>(items: readonly From[], make: (item: From) => To): To[] {
    return items.flatMap((item) => {
      try {
        return [make(item)]
      } catch (error) {
        this.#leftOut(error as Error)
        return []
      }
    })
  }

  #leftOut(error: Error): null {
    if ((error as { code?: string }).code !== 'ledger_row_tampered') throw error
    this.#onFault(error)
    return null
  }
}

function assertedOpen(account: UserAccount, settlements: StoredSettlement[]): StoredSettlement[] {
  assertOpenCount(account, settlements)
  return settlements
}
