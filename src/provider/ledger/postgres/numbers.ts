import { sql } from 'kysely'
import { EPOCH_NUMBERS } from '../../../protocol/batch.ts'
import type { EpochMark, Numbers } from '../batches.ts'
import { epochMarkOf, epochRowOf } from '../batchRows.ts'
import { epochRow, putEpoch } from '../queries.ts'
import type { PostgresDatabase } from './database.ts'

/** The numbers of all replicas: a row that each of them locks, so that what was committed is never given out again. */
export class PostgresNumbers implements Numbers {
  readonly #database: PostgresDatabase

  constructor(database: PostgresDatabase) {
    this.#database = database
  }

  last(): Promise<number> {
    return this.#database.exclusively(async ({ lastSeq }) => lastSeq)
  }

  async epoch(): Promise<EpochMark | null> {
    const row = await this.#database.plainly((db) => epochRow(db).executeTakeFirst())
    return row ? epochMarkOf(this.#database.seal, row, await this.#place()) : null
  }

  async enter(epoch: number, since: number): Promise<void> {
    const row = epochRowOf(this.#database.seal, epoch, since, await this.#place())
    await this.#database.exclusively(async ({ tx, lastSeq, raiseSeq }) => {
      await putEpoch(tx, row).execute()
      if (lastSeq < epoch * EPOCH_NUMBERS) await raiseSeq(epoch * EPOCH_NUMBERS)
    })
  }

  skipTo(number: number): Promise<void> {
    return this.#database.exclusively(async ({ lastSeq, raiseSeq }) => {
      if (lastSeq < number - 1) await raiseSeq(number - 1)
    })
  }

  /**
   * What a database has that no copy of it has: the server's identifier, its timeline, which a restored backup and a
   * promoted standby leave, and the database's own number. Asked one by one: a host may withhold some.
   */
  async #place(): Promise<string> {
    const questions = [
      sql<Answer>`SELECT system_identifier::text AS answer FROM pg_control_system()`,
      sql<Answer>`SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS answer`,
      sql<Answer>`SELECT oid::text AS answer FROM pg_database WHERE datname = current_database()`,
    ]
    const answers: string[] = []
    for (const question of questions) {
      const asked = question.execute(this.#database.db).catch(withheld)
      answers.push((await asked).rows[0]?.answer ?? '')
    }
    return answers.join(' ')
  }
}

interface Answer {
  readonly answer: string
}

/** SQLSTATE of a function that this user may not call. */
const FORBIDDEN = '42501'

function withheld(error: unknown): { rows: Answer[] } {
  if ((error as { code?: string }).code !== FORBIDDEN) throw error
  return { rows: [] }
}
