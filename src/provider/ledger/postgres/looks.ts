import type { Address, Hex } from '../../../base/hex.ts'
import { emptyAccount } from '../account.ts'
import { keySpendingOf } from '../keySpending.ts'
import { accountOfRow, settlementOf } from '../rows.ts'
import { SETTLEMENT_COLUMNS, USER_COLUMNS } from '../tables.ts'
import type { PostgresDatabase } from './database.ts'
import { spendingOfKeys } from './keys.ts'
import type { Memory } from './memory.ts'
import { recentRevocations, revocationOf } from './revocations.ts'
import { soundOr } from './soundOr.ts'

/**
 * Looks into the database for admission: who asks while one is under way waits for the next, which then reads for
 * all of them. So an answer is never older than its question.
 */
export class Looks {
  readonly #database: PostgresDatabase
  readonly #memory: Memory
  #wanted = new Set<Address>()
  #wantedKeys = new Set<Hex>()
  #next: Promise<void> | null = null
  #current: Promise<void> = Promise.resolve()

  constructor(database: PostgresDatabase, memory: Memory) {
    this.#database = database
    this.#memory = memory
  }

  /** @param key of the user, where it carries a limit: a user may have any number of them */
  look(user: Address, key?: Hex): Promise<void> {
    this.#wanted.add(user.toLowerCase() as Address)
    if (key) this.#wantedKeys.add(key)
    this.#next ??= this.#current.then(() => {
      const users = [...this.#wanted]
      const keys = [...this.#wantedKeys]
      this.#wanted = new Set()
      this.#wantedKeys = new Set()
      this.#next = null
      const read = this.#read(users, keys)
      this.#current = read.catch(() => {})
      return read
    })
    return this.#next
  }

  async #read(users: readonly Address[], keys: readonly Hex[]): Promise<void> {
    const { seal, identity } = this.#database
    const [rows, settlements, spending, revocations] = await this.#database.consistently(async (tx) => [
      await tx.selectFrom('users').select(USER_COLUMNS).where('user', 'in', users).execute(),
      await tx
        .selectFrom('settlements')
        .select(SETTLEMENT_COLUMNS)
        .where('user', 'in', users)
        .where('state', 'in', ['open', 'done'])
        .execute(),
      await spendingOfKeys(tx, keys),
      await recentRevocations(tx, users).execute(),
    ])
    for (const { today, ...row } of spending.rows) {
      const found = soundOr(() => keySpendingOf(seal, row))
      this.#memory.learnSpending(row.id, found, today)
    }
    for (const user of users) {
      const own = revocations.filter((found) => found.user === user)
      this.#memory.learnRevocations(user, own.map(revocationOf))
    }
    for (const user of users) {
      try {
        const row = rows.find((found) => found.user === user)
        const own = settlements.filter((found) => found.user === user)
        const account = row ? accountOfRow(seal, row) : emptyAccount(user)
        this.#memory.learn(
          account,
          own.map((found) => settlementOf(seal, identity.provider, found)),
        )
      } catch (error) {
        this.#memory.learnFault(user, error as Error)
      }
    }
  }
}
