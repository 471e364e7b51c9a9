import type { Address } from '../../../base/hex.ts'
import { emptyAccount } from '../account.ts'
import { accountOfRow, settlementOf } from '../rows.ts'
import { SETTLEMENT_COLUMNS, USER_COLUMNS } from '../tables.ts'
import type { PostgresDatabase } from './database.ts'
import type { Memory } from './memory.ts'

/**
 * Looks into the database for admission: who asks while one is under way waits for the next, which then reads for
 * all of them. So an answer is never older than its question.
 */
export class Looks {
  readonly #database: PostgresDatabase
  readonly #memory: Memory
  #wanted = new Set<Address>()
  #next: Promise<void> | null = null
  #current: Promise<void> = Promise.resolve()

  constructor(database: PostgresDatabase, memory: Memory) {
    this.#database = database
    this.#memory = memory
  }

  look(user: Address): Promise<void> {
    this.#wanted.add(user.toLowerCase() as Address)
    this.#next ??= this.#current.then(() => {
      const users = [...this.#wanted]
      this.#wanted = new Set()
      this.#next = null
      const read = this.#read(users)
      this.#current = read.catch(() => {})
      return read
    })
    return this.#next
  }

  async #read(users: readonly Address[]): Promise<void> {
    const { seal, identity } = this.#database
    const [rows, settlements] = await this.#database.consistently(async (tx) => [
      await tx.selectFrom('users').select(USER_COLUMNS).where('user', 'in', users).execute(),
      await tx
        .selectFrom('settlements')
        .select(SETTLEMENT_COLUMNS)
        .where('user', 'in', users)
        .where('state', 'in', ['open', 'done'])
        .execute(),
    ])
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
