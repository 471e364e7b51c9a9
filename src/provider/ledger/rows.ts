import type { Address } from '../../base/hex.ts'
import type { SignedReceipt } from '../../protocol/receipt.ts'
import type { UserAccount } from './account.ts'
import { rowTampered } from './errors.ts'
import type { Delivered, Exchange } from './ledger.ts'
import type { RowSeal } from './seal.ts'
import type { StoredSettlement } from './settlements.ts'
import type { ExchangeRow, LedgerIdentity, ReceiptRow, SettlementRow, UserRow } from './tables.ts'

/** A stored receipt exactly as it was issued, its keys in the same order. */
export function receiptOf({ chainId, contract, provider }: LedgerIdentity, row: ReceiptRow): SignedReceipt {
  return {
    chainId,
    contract,
    receipt: {
      provider,
      user: row.user,
      seq: row.seq,
      cumulative: BigInt(row.cumulative),
      fee: BigInt(row.fee),
      issuedAt: row.issued_at,
      detail: row.detail_hash,
    },
    detail: row.detail,
    signature: row.signature,
  }
}

export function receiptRow(id: string, { receipt, detail, signature }: SignedReceipt): ReceiptRow {
  return {
    seq: receipt.seq,
    id,
    user: receipt.user,
    fee: receipt.fee.toString(),
    cumulative: receipt.cumulative.toString(),
    issued_at: receipt.issuedAt,
    detail_hash: receipt.detail,
    detail,
    signature,
  }
}

export function userRow(seal: RowSeal, account: UserAccount): UserRow {
  const row = {
    user: account.user,
    charged: account.charged.toString(),
    last_seq: account.lastSeq,
    paid: account.paid.toString(),
    settled_seq: account.settledSeq,
    last_nonce: account.lastNonce.toString(),
    open: account.open,
    settled: account.settled.toString(),
  }
  return { ...row, mac: seal.of('user', userFields(row)) }
}

/** Rows from before there were batches were sealed without the last field. */
function userFields(row: Omit<UserRow, 'mac'>) {
  const { user, charged, last_seq, paid, settled_seq, last_nonce, open, settled } = row
  const fields = [user, charged, last_seq, paid, settled_seq, last_nonce, open]
  return settled === '0' ? fields : [...fields, settled]
}

/** @throws AppError `ledger_row_tampered` */
export function accountOfRow(seal: RowSeal, row: UserRow): UserAccount {
  const { user, charged, last_seq, paid, settled_seq, last_nonce, open, settled, mac } = row
  seal.check('user', userFields(row), mac)
  return {
    user,
    charged: BigInt(charged),
    lastSeq: last_seq,
    paid: BigInt(paid),
    settledSeq: settled_seq,
    lastNonce: BigInt(last_nonce),
    open,
    settled: BigInt(settled),
  }
}

export function exchangeRow(
  seal: RowSeal,
  exchange: Exchange,
  delivered: Delivered,
  replica: string,
): ExchangeRow {
  const row = { id: exchange.id, exchange: exchangeText(exchange), delivered: JSON.stringify(delivered) }
  return { ...row, replica, mac: seal.of('exchange', Object.values(row)) }
}

/**
 * An exchange that a crash left behind.
 * @throws AppError `ledger_row_tampered`
 */
export function leftBehind(seal: RowSeal, row: ExchangeRow): { exchange: Exchange; delivered: Delivered } {
  seal.check('exchange', [row.id, row.exchange, row.delivered], row.mac)
  const parsed = JSON.parse(row.exchange) as Exchange & { prices: Record<string, string> }
  const prices = Object.fromEntries(Object.entries(parsed.prices).map(([unit, text]) => [unit, BigInt(text)]))
  return { exchange: { ...parsed, prices }, delivered: JSON.parse(row.delivered) as Delivered }
}

const exchangeText = (exchange: Exchange): string =>
  JSON.stringify(exchange, (_key, value) => (typeof value === 'bigint' ? value.toString() : value))

/** @throws AppError `ledger_row_tampered` */
export function settlementOf(seal: RowSeal, provider: Address, row: SettlementRow): StoredSettlement {
  seal.check('settlement', sealedFields(row), row.mac)
  const { block_number: number, block_hash: hash } = row
  return {
    entry: {
      user: row.user,
      provider,
      totalFee: BigInt(row.total_fee),
      requestsHash: row.requests_hash,
      nonce: BigInt(row.nonce),
      signature: row.signature,
    },
    throughSeq: row.through_seq,
    throughTotal: BigInt(row.through_total),
    afterSeq: row.after_seq,
    fromBlock: row.from_block,
    state: row.state,
    txHash: row.tx_hash,
    paid: BigInt(row.paid),
    block: number === null || hash === null ? null : { number, hash },
  }
}

export function settlementRow(seal: RowSeal, settlement: StoredSettlement): SettlementRow {
  const { entry, block } = settlement
  const row = {
    user: entry.user,
    nonce: entry.nonce.toString(),
    total_fee: entry.totalFee.toString(),
    requests_hash: entry.requestsHash,
    signature: entry.signature,
    through_seq: settlement.throughSeq,
    through_total: settlement.throughTotal.toString(),
    after_seq: settlement.afterSeq,
    from_block: settlement.fromBlock,
    state: settlement.state,
    tx_hash: settlement.txHash,
    paid: settlement.paid.toString(),
    block_number: block?.number ?? null,
    block_hash: block?.hash ?? null,
  }
  return { ...row, mac: seal.of('settlement', sealedFields(row)) }
}

/** All but the signature, which is one of its own, and where it was mined, which the chain says. */
const sealedFields = (row: Omit<SettlementRow, 'mac'>) => [
  row.user,
  row.nonce,
  row.total_fee,
  row.requests_hash,
  row.through_seq,
  row.through_total,
  row.after_seq,
  row.from_block,
  row.state,
  row.paid,
]

/** @throws AppError `ledger_row_tampered` when a row of an open settlement is missing or was added */
export function assertOpenCount({ user, open }: UserAccount, settlements: readonly StoredSettlement[]): void {
  if (settlements.filter(({ state }) => state === 'open').length !== open)
    throw rowTampered('settlement', user)
}
