import type { Kysely } from 'kysely'
import type { Address } from '../../../base/hex.ts'
import type { RowSeal } from '../../ledger/seal.ts'
import type { FineTuningTables } from '../store/tables.ts'

/** A model that its owner wants served. */
export interface DeployedAdapter {
  readonly task: string
  readonly user: Address
  readonly node: string
  readonly name: string
}

/** Which models are served, so that they are again after a restart. */
export class AdapterStore {
  readonly #db: Kysely<FineTuningTables>
  readonly #seal: RowSeal

  constructor(db: Kysely<FineTuningTables>, seal: RowSeal) {
    this.#db = db
    this.#seal = seal
  }

  async put({ task, user, node, name }: DeployedAdapter): Promise<void> {
    const columns = { task, user: user.toLowerCase() as Address, node, name, record: '' }
    const row = { ...columns, mac: this.#seal.of('adapter', Object.values(columns)) }
    await this.#db
      .insertInto('finetune_adapters')
      .values(row)
      .onConflict((conflict) => conflict.column('task').doUpdateSet(row))
      .execute()
  }

  async remove(task: string): Promise<void> {
    await this.#db.deleteFrom('finetune_adapters').where('task', '=', task).execute()
  }

  /** Of one node; rows of a stranger's hand are left out. */
  async all(node: string): Promise<DeployedAdapter[]> {
    const rows = await this.#db
      .selectFrom('finetune_adapters')
      .selectAll()
      .where('node', '=', node)
      .orderBy('task')
      .execute()
    return rows.filter(({ task, user, node: its, name, record, mac }) =>
      this.#seal.matches('adapter', [task, user, its, name, record], mac),
    )
  }
}
