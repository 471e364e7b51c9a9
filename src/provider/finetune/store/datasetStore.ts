import type { ExpressionBuilder, Kysely } from 'kysely'
import type { Address } from '../../../base/hex.ts'
import { rowTampered } from '../../ledger/errors.ts'
import type { RowSeal } from '../../ledger/seal.ts'
import type { DatasetRow, FineTuningTables } from './tables.ts'

/** A dataset that lies on this node's disk. */
export interface StoredDataset {
  readonly user: Address
  /** As the user names it in a task. */
  readonly root: string
  readonly node: string
  readonly createdAt: number
  readonly bytes: number
  readonly wrappedKey: string
}

/** Which datasets are here, whose, and the sealed keys of their files. */
export class DatasetStore {
  readonly #db: Kysely<FineTuningTables>
  readonly #seal: RowSeal

  constructor(db: Kysely<FineTuningTables>, seal: RowSeal) {
    this.#db = db
    this.#seal = seal
  }

  /** Takes the place of an earlier upload of the same bytes. @returns that one, whose file is to be removed */
  async put(dataset: StoredDataset): Promise<void> {
    const row = this.#row(dataset)
    await this.#db
      .insertInto('finetune_datasets')
      .values(row)
      .onConflict((conflict) => conflict.columns(['user', 'root', 'node']).doUpdateSet(row))
      .execute()
  }

  /** @throws AppError `ledger_row_tampered` */
  async find(user: Address, root: string, node: string): Promise<StoredDataset | null> {
    const row = await this.#db
      .selectFrom('finetune_datasets')
      .selectAll()
      .where('user', '=', user.toLowerCase() as Address)
      .where('root', '=', root)
      .where('node', '=', node)
      .executeTakeFirst()
    return row ? this.#dataset(row) : null
  }

  /** @param sentBefore one that was sent later stays, ms @returns whether none is left */
  async remove(
    { user, root, node }: Pick<StoredDataset, 'user' | 'root' | 'node'>,
    sentBefore: number = Number.MAX_SAFE_INTEGER,
  ): Promise<boolean> {
    const key = { user: user.toLowerCase() as Address, root, node }
    const isIt = ({ and }: ExpressionBuilder<FineTuningTables, 'finetune_datasets'>) => and(key)
    await this.#db.deleteFrom('finetune_datasets').where(isIt).where('created_at', '<=', sentBefore).execute()
    const left = await this.#db.selectFrom('finetune_datasets').select('root').where(isIt).executeTakeFirst()
    return left === undefined
  }

  /** Datasets that were uploaded before a moment, ms. */
  async olderThan(at: number, node: string): Promise<Pick<StoredDataset, 'user' | 'root' | 'node'>[]> {
    return this.#db
      .selectFrom('finetune_datasets')
      .select(['user', 'root', 'node'])
      .where('node', '=', node)
      .where('created_at', '<', at)
      .execute()
  }

  /** Bytes of one user's datasets on a node. */
  async bytesOf(user: Address, node: string): Promise<number> {
    const row = await this.#db
      .selectFrom('finetune_datasets')
      .select(({ fn }) => fn.sum('bytes').as('bytes'))
      .where('user', '=', user.toLowerCase() as Address)
      .where('node', '=', node)
      .executeTakeFirst()
    return Number(row?.bytes ?? 0)
  }

  #row({ user, root, node, createdAt, bytes, wrappedKey }: StoredDataset): DatasetRow {
    const columns = {
      user: user.toLowerCase() as Address,
      root,
      node,
      created_at: createdAt,
      bytes,
      wrapped_key: wrappedKey,
    }
    return { ...columns, mac: this.#seal.of('dataset', Object.values(columns)) }
  }

  #dataset(row: DatasetRow): StoredDataset {
    const { user, root, node, created_at, bytes, wrapped_key, mac } = row
    if (
      !this.#seal.matches('dataset', [user, root, node, Number(created_at), Number(bytes), wrapped_key], mac)
    )
      throw rowTampered('dataset', root)
    return {
      user,
      root,
      node,
      createdAt: Number(created_at),
      bytes: Number(bytes),
      wrappedKey: wrapped_key,
    }
  }
}
