import { type Compilable, type Kysely, sql } from 'kysely'

/** The tables of fine-tuning: the step of the ledger's migrations that adds them. */
export function fineTuningTables(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Compilable[] {
  const whole = dialect === 'sqlite' ? 'integer' : 'bigint'
  const strict = dialect === 'sqlite' ? sql` strict` : sql``
  const table = (name: string) => db.schema.createTable(name).modifyEnd(strict)
  return [
    table('finetune_tasks')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('user', 'text', (column) => column.notNull())
      .addColumn('node', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('version', whole, (column) => column.notNull())
      .addColumn('created_at', whole, (column) => column.notNull())
      .addColumn('closed', whole, (column) => column.notNull())
      .addColumn('record', 'text', (column) => column.notNull())
      .addColumn('mac', 'text', (column) => column.notNull()),
    db.schema.createIndex('finetune_tasks_of_user').on('finetune_tasks').columns(['user', 'created_at']),
    db.schema.createIndex('finetune_tasks_open').on('finetune_tasks').columns(['closed', 'node']),
    table('finetune_lines')
      .addColumn('task', 'text', (column) => column.notNull())
      .addColumn('line', whole, (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('text', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('finetune_lines_key', ['task', 'line']),
    table('finetune_datasets')
      .addColumn('user', 'text', (column) => column.notNull())
      .addColumn('root', 'text', (column) => column.notNull())
      .addColumn('node', 'text', (column) => column.notNull())
      .addColumn('created_at', whole, (column) => column.notNull())
      .addColumn('bytes', whole, (column) => column.notNull())
      .addColumn('wrapped_key', 'text', (column) => column.notNull())
      .addColumn('mac', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('finetune_datasets_key', ['user', 'root', 'node']),
    table('finetune_adapters')
      .addColumn('task', 'text', (column) => column.primaryKey().notNull())
      .addColumn('user', 'text', (column) => column.notNull())
      .addColumn('node', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('record', 'text', (column) => column.notNull())
      .addColumn('mac', 'text', (column) => column.notNull()),
  ]
}
