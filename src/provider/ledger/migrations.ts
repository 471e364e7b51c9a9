import { type Compilable, type Kysely, sql } from 'kysely'
import { fineTuningTables } from '../finetune/store/migration.ts'

export type LedgerDialect = 'sqlite' | 'postgres'

/**
 * Step n takes a ledger from version n + 1 to n + 2; steps are never edited once released. Version 1 was never
 * released. Amounts and nonces are decimal text, since they do not fit 64 bits. Addresses are lower case.
 */
const MIGRATIONS: readonly ((db: Kysely<unknown>, dialect: LedgerDialect) => Compilable[])[] = [
  firstVersion,
  batchesAndEpochs,
  fineTuningTables,
  keySpendingAndPlaces,
  voucherTable,
]

/** What a new, empty database counts as. */
export const EMPTY_VERSION = 1

/** The schema version that this release writes. */
export const SCHEMA_VERSION = EMPTY_VERSION + MIGRATIONS.length

/** The statements that take a ledger of `version` one version up. */
export const migrationFrom = (version: number, db: Kysely<unknown>, dialect: LedgerDialect): Compilable[] =>
  MIGRATIONS[version - EMPTY_VERSION]?.(db, dialect) ?? []

function firstVersion(db: Kysely<unknown>, dialect: LedgerDialect): Compilable[] {
  const whole = dialect === 'sqlite' ? 'integer' : 'bigint'
  const strict = dialect === 'sqlite' ? sql` strict` : sql``
  const table = (name: string) => db.schema.createTable(name).modifyEnd(strict)
  const shared = [
    table('identity')
      .addColumn('chain_id', whole, (column) => column.notNull())
      .addColumn('contract', 'text', (column) => column.notNull())
      .addColumn('provider', 'text', (column) => column.notNull())
      .addColumn('version', whole, (column) => column.notNull())
      .addColumn('key_check', 'text', (column) => column.notNull()),
    table('users')
      .addColumn('user', 'text', (column) => column.primaryKey().notNull())
      .addColumn('charged', 'text', (column) => column.notNull())
      .addColumn('last_seq', whole, (column) => column.notNull())
      .addColumn('paid', 'text', (column) => column.notNull())
      .addColumn('settled_seq', whole, (column) => column.notNull())
      .addColumn('last_nonce', 'text', (column) => column.notNull())
      .addColumn('open', whole, (column) => column.notNull())
      .addColumn('mac', 'text', (column) => column.notNull()),
    table('receipts')
      .addColumn('seq', whole, (column) => column.primaryKey().notNull())
      .addColumn('id', 'text', (column) => column.notNull().unique())
      .addColumn('user', 'text', (column) => column.notNull())
      .addColumn('fee', 'text', (column) => column.notNull())
      .addColumn('cumulative', 'text', (column) => column.notNull())
      .addColumn('issued_at', whole, (column) => column.notNull())
      .addColumn('detail_hash', 'text', (column) => column.notNull())
      .addColumn('detail', 'text', (column) => column.notNull())
      .addColumn('signature', 'text', (column) => column.notNull()),
    db.schema.createIndex('receipts_of_user').on('receipts').columns(['user', 'seq']),
    table('exchanges')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('exchange', 'text', (column) => column.notNull())
      .addColumn('delivered', 'text', (column) => column.notNull())
      .addColumn('replica', 'text', (column) => column.notNull())
      .addColumn('mac', 'text', (column) => column.notNull()),
    table('settlements')
      .addColumn('user', 'text', (column) => column.notNull())
      .addColumn('nonce', 'text', (column) => column.notNull())
      .addColumn('total_fee', 'text', (column) => column.notNull())
      .addColumn('requests_hash', 'text', (column) => column.notNull())
      .addColumn('signature', 'text', (column) => column.notNull())
      .addColumn('through_seq', whole, (column) => column.notNull())
      .addColumn('through_total', 'text', (column) => column.notNull())
      .addColumn('after_seq', whole, (column) => column.notNull())
      .addColumn('from_block', whole, (column) => column.notNull())
      .addColumn('state', 'text', (column) =>
        column.notNull().check(sql`state in ('open', 'done', 'final', 'void')`),
      )
      .addColumn('tx_hash', 'text')
      .addColumn('paid', 'text', (column) => column.notNull())
      .addColumn('block_number', whole)
      .addColumn('block_hash', 'text')
      .addColumn('mac', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('settlements_key', ['user', 'nonce']),
    db.schema.createIndex('settlements_by_state').on('settlements').column('state'),
  ]
  return dialect === 'sqlite' ? shared : [...shared, ...forReplicas(db)]
}

function batchesAndEpochs(db: Kysely<unknown>, dialect: LedgerDialect): Compilable[] {
  const whole = dialect === 'sqlite' ? 'integer' : 'bigint'
  const strict = dialect === 'sqlite' ? sql` strict` : sql``
  const table = (name: string) => db.schema.createTable(name).modifyEnd(strict)
  return [
    db.schema.alterTable('users').addColumn('settled', 'text', (column) => column.notNull().defaultTo('0')),
    table('batches')
      .addColumn('number', whole, (column) => column.primaryKey().notNull())
      .addColumn('payers', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) =>
        column.notNull().check(sql`state in ('open', 'done', 'final', 'void')`),
      )
      .addColumn('tx_hash', 'text')
      .addColumn('block_number', whole)
      .addColumn('block_hash', 'text')
      .addColumn('mac', 'text', (column) => column.notNull()),
    db.schema.createIndex('batches_by_state').on('batches').column('state'),
    table('epochs')
      .addColumn('id', whole, (column) => column.primaryKey().notNull())
      .addColumn('epoch', whole, (column) => column.notNull())
      .addColumn('since', whole, (column) => column.notNull())
      .addColumn('place', 'text', (column) => column.notNull())
      .addColumn('mac', 'text', (column) => column.notNull()),
  ]
}

function keySpendingAndPlaces(db: Kysely<unknown>, dialect: LedgerDialect): Compilable[] {
  const whole = dialect === 'sqlite' ? 'integer' : 'bigint'
  const shared = [
    db.schema
      .createTable('key_spending')
      .modifyEnd(dialect === 'sqlite' ? sql` strict` : sql``)
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('user', 'text', (column) => column.notNull())
      .addColumn('day', whole, (column) => column.notNull())
      .addColumn('spent', 'text', (column) => column.notNull())
      .addColumn('mac', 'text', (column) => column.notNull()),
    db.schema.createIndex('key_spending_of_user').on('key_spending').column('user'),
  ]
  return dialect === 'sqlite' ? shared : [...shared, ...forSharedLimits(db)]
}

/** Unlogged: no commit waits for the disk, and after a crash of the database limits begin anew. */
function forSharedLimits(db: Kysely<unknown>): Compilable[] {
  const table = (name: string) => db.schema.createTable(name).modifyFront(sql`unlogged`)
  return [
    table('places')
      .addColumn('replica', 'text', (column) => column.notNull())
      .addColumn('holder', 'text', (column) => column.notNull())
      .addColumn('running', 'bigint', (column) => column.notNull())
      .addColumn('tokens', 'bigint', (column) => column.notNull())
      .addColumn('amount', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('places_key', ['holder', 'replica']),
    table('minutes')
      .addColumn('user', 'text', (column) => column.primaryKey().notNull())
      .addColumn('requests', 'double precision', (column) => column.notNull())
      .addColumn('tokens', 'double precision', (column) => column.notNull())
      .addColumn('at', 'double precision', (column) => column.notNull()),
    table('revocations')
      .addColumn('user', 'text', (column) => column.notNull())
      .addColumn('generation', 'bigint', (column) => column.notNull())
      .addColumn('revoked', 'text', (column) => column.notNull())
      .addColumn('at', 'double precision', (column) => column.notNull())
      .addPrimaryKeyConstraint('revocations_key', ['user', 'generation', 'revoked']),
  ]
}

function voucherTable(db: Kysely<unknown>, dialect: LedgerDialect): Compilable[] {
  const whole = dialect === 'sqlite' ? 'integer' : 'bigint'
  const strict = dialect === 'sqlite' ? sql` strict` : sql``
  return [
    db.schema
      .createTable('vouchers')
      .addColumn('user', 'text', (column) => column.notNull())
      .addColumn('session_key', 'text', (column) => column.notNull())
      .addColumn('cumulative', 'text', (column) => column.notNull())
      .addColumn('signature', 'text', (column) => column.notNull())
      .addColumn('expiry', whole, (column) => column.notNull())
      .addColumn('mac', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('vouchers_key', ['user', 'session_key'])
      .modifyEnd(strict),
  ]
}

const forReplicas = (db: Kysely<unknown>): Compilable[] => [
  db.schema
    .createTable('counters')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('last_seq', 'bigint', (column) => column.notNull())
    .addColumn('mac', 'text', (column) => column.notNull()),
  db.schema
    .createTable('replicas')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('seen_at', 'timestamptz', (column) => column.notNull()),
]
