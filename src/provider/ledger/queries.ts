import { type Kysely, sql } from 'kysely'
import type { Address } from '../../base/hex.ts'
import {
  BATCH_COLUMNS,
  type BatchRow,
  EPOCH_COLUMNS,
  type EpochRow,
  EXCHANGE_COLUMNS,
  type ExchangeRow,
  KEY_SPENDING_COLUMNS,
  type KeySpendingRow,
  RECEIPT_COLUMNS,
  type ReceiptRow,
  SETTLEMENT_COLUMNS,
  type SettlementRow,
  type Tables,
  USER_COLUMNS,
  type UserRow,
  VOUCHER_COLUMNS,
  type VoucherRow,
} from './tables.ts'

// Every statement of the ledger, for SQLite and PostgreSQL alike. SQLite compiles each once (`prepare.ts`),
// PostgreSQL sends many rows with one. Amounts are decimal text and are never summed in SQL.

type Db = Kysely<Tables>
type Many<T> = T | readonly T[]

export const insertReceipts = (db: Db, rows: Many<ReceiptRow>) => db.insertInto('receipts').values(rows)

/** The whole row, under its seal. */
export const putUsers = (db: Db, rows: Many<UserRow>) =>
  db
    .insertInto('users')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('user').doUpdateSet((eb) => ({
        charged: eb.ref('excluded.charged'),
        last_seq: eb.ref('excluded.last_seq'),
        paid: eb.ref('excluded.paid'),
        settled_seq: eb.ref('excluded.settled_seq'),
        last_nonce: eb.ref('excluded.last_nonce'),
        open: eb.ref('excluded.open'),
        settled: eb.ref('excluded.settled'),
        mac: eb.ref('excluded.mac'),
      })),
    )

export const putSettlements = (db: Db, rows: Many<SettlementRow>) =>
  db
    .insertInto('settlements')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['user', 'nonce']).doUpdateSet((eb) => ({
        signature: eb.ref('excluded.signature'),
        state: eb.ref('excluded.state'),
        tx_hash: eb.ref('excluded.tx_hash'),
        paid: eb.ref('excluded.paid'),
        block_number: eb.ref('excluded.block_number'),
        block_hash: eb.ref('excluded.block_hash'),
        mac: eb.ref('excluded.mac'),
      })),
    )

export const putBatches = (db: Db, rows: Many<BatchRow>) =>
  db
    .insertInto('batches')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('number').doUpdateSet((eb) => ({
        payers: eb.ref('excluded.payers'),
        state: eb.ref('excluded.state'),
        tx_hash: eb.ref('excluded.tx_hash'),
        block_number: eb.ref('excluded.block_number'),
        block_hash: eb.ref('excluded.block_hash'),
        mac: eb.ref('excluded.mac'),
      })),
    )

export const putEpoch = (db: Db, row: EpochRow) =>
  db
    .insertInto('epochs')
    .values(row)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet((eb) => ({
        epoch: eb.ref('excluded.epoch'),
        since: eb.ref('excluded.since'),
        place: eb.ref('excluded.place'),
        mac: eb.ref('excluded.mac'),
      })),
    )

export const putKeySpending = (db: Db, rows: Many<KeySpendingRow>) =>
  db
    .insertInto('key_spending')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet((eb) => ({
        day: eb.ref('excluded.day'),
        spent: eb.ref('excluded.spent'),
        mac: eb.ref('excluded.mac'),
      })),
    )

/** Those of all time, under day 0, stay. */
export const dropSpendingBefore = (db: Db, day: number) =>
  db.deleteFrom('key_spending').where('day', '>', 0).where('day', '<', day)

/** Only what is higher than what is there: as decimal text a longer number is a higher one. */
export const putVoucher = (db: Db, row: VoucherRow) =>
  db
    .insertInto('vouchers')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['user', 'session_key'])
        .doUpdateSet((eb) => ({
          cumulative: eb.ref('excluded.cumulative'),
          signature: eb.ref('excluded.signature'),
          expiry: eb.ref('excluded.expiry'),
          mac: eb.ref('excluded.mac'),
        }))
        .where(
          sql<boolean>`(length(excluded.cumulative), excluded.cumulative) > (length(vouchers.cumulative), vouchers.cumulative)`,
        ),
    )

export const allVouchers = (db: Db) => db.selectFrom('vouchers').select(VOUCHER_COLUMNS)

/** A checkpoint that comes after the charge of its exchange changes nothing. */
export const putExchange = (db: Db, row: ExchangeRow) =>
  db
    .insertInto('exchanges')
    .columns([...EXCHANGE_COLUMNS])
    .expression(
      db
        .selectNoFrom((eb) => EXCHANGE_COLUMNS.map((column) => eb.val(row[column]).as(column)))
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('receipts').select('receipts.id').where('receipts.id', '=', row.id))),
        ),
    )
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet((eb) => ({
        delivered: eb.ref('excluded.delivered'),
        mac: eb.ref('excluded.mac'),
      })),
    )

export const endExchange = (db: Db, id: string) => db.deleteFrom('exchanges').where('id', '=', id)

export const receiptById = (db: Db, id: string) =>
  db.selectFrom('receipts').select(RECEIPT_COLUMNS).where('id', '=', id)

export const receiptsAfter = (db: Db, user: Address, after: number, limit: number) =>
  db
    .selectFrom('receipts')
    .select(RECEIPT_COLUMNS)
    .where('user', '=', user)
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(sql<number>`${limit}`)

/** When the first receipt after a number was issued. */
export const issuedAfter = (db: Db, user: Address, after: number) =>
  db
    .selectFrom('receipts')
    .select('issued_at')
    .where('user', '=', user)
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(sql<number>`1`)

export const lastSeq = (db: Db) =>
  db.selectFrom('receipts').select('seq').orderBy('seq', 'desc').limit(sql<number>`1`)

export const lastBatch = (db: Db) =>
  db.selectFrom('batches').select('number').orderBy('number', 'desc').limit(sql<number>`1`)

export const unfinishedBatches = (db: Db) =>
  db.selectFrom('batches').select(BATCH_COLUMNS).where('state', 'in', ['open', 'done']).orderBy('number')

export const epochRow = (db: Db) => db.selectFrom('epochs').select(EPOCH_COLUMNS)

export const allUsers = (db: Db) => db.selectFrom('users').select(USER_COLUMNS)

export const allKeySpending = (db: Db) => db.selectFrom('key_spending').select(KEY_SPENDING_COLUMNS)

export const allExchanges = (db: Db) => db.selectFrom('exchanges').select(EXCHANGE_COLUMNS).orderBy('id')

/** Settlements about which the last word is not said: open, or paid so lately that a reorganisation may undo it. */
export const unsettledSettlements = (db: Db) =>
  db.selectFrom('settlements').select(SETTLEMENT_COLUMNS).where('state', 'in', ['open', 'done'])
