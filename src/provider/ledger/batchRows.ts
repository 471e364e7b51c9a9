import type { Address } from '../../base/hex.ts'
import type { BatchPayer, EpochMark, StoredBatch } from './batches.ts'
import { rowTampered } from './errors.ts'
import type { RowSeal } from './seal.ts'
import type { BatchRow, EpochRow } from './tables.ts'

type PayerJson = readonly [user: Address, cumulative: string, afterSeq: number]

/** Payers of a batch about which all is said are forgotten: receipts and totals stay. */
export function batchRow(seal: RowSeal, { number, payers, state, txHash, block }: StoredBatch): BatchRow {
  const isOver = state === 'final' || state === 'void'
  const row = {
    number,
    payers: JSON.stringify(isOver ? [] : payers.map(payerJson)),
    state,
    tx_hash: txHash,
    block_number: block?.number ?? null,
    block_hash: block?.hash ?? null,
  }
  return { ...row, mac: seal.of('batch', sealedFields(row)) }
}

/** Those that the enclave wrote; of the payers of another the chain says as much. */
export const batchesOf = (seal: RowSeal, rows: readonly BatchRow[]): StoredBatch[] =>
  rows.filter((row) => seal.matches('batch', sealedFields(row), row.mac)).map(batchOfRow)

function batchOfRow(row: BatchRow): StoredBatch {
  const { number, state, tx_hash: txHash, block_number, block_hash } = row
  const block =
    block_number === null || block_hash === null ? null : { number: block_number, hash: block_hash }
  const payers = (JSON.parse(row.payers) as PayerJson[]).map(payerOf)
  return { number, payers, state, txHash, block }
}

/** All but where it was mined, which the chain says. */
const sealedFields = ({ number, payers, state }: Omit<BatchRow, 'mac'>) => [number, payers, state]

const payerJson = ({ user, cumulative, afterSeq }: BatchPayer): PayerJson => [
  user,
  cumulative.toString(),
  afterSeq,
]

const payerOf = ([user, cumulative, afterSeq]: PayerJson): BatchPayer => ({
  user,
  cumulative: BigInt(cumulative),
  afterSeq,
})

/** There is one epoch at a time. */
const ONLY = 1

/** @param place where the ledger lies: what a copy of it has not in common with it */
export function epochRowOf(seal: RowSeal, epoch: number, since: number, place: string): EpochRow {
  const row = { id: ONLY, epoch, since, place }
  return { ...row, mac: seal.of('epoch', [epoch, since, place]) }
}

/** @throws AppError `ledger_row_tampered` */
export function epochMarkOf(seal: RowSeal, row: EpochRow, place: string): EpochMark {
  if (!seal.matches('epoch', [row.epoch, row.since, row.place], row.mac))
    throw rowTampered('epoch', 'provider')
  return { epoch: row.epoch, since: row.since, isHere: row.place === place }
}
