import type { Address, Hex } from '../../base/hex.ts'
import type { SignedReceipt } from '../../protocol/receipt.ts'
import type { Delivered, Exchange, SettlementState, StoredSettlement } from './ledger.ts'
import type { LedgerIdentity } from './schema.ts'
import type { Write } from './statements.ts'

export interface UserRow {
  readonly user: Address
  readonly charged: string
  readonly paid: string
  readonly settled_seq: number
  readonly last_nonce: string
}

export interface ReceiptRow {
  readonly seq: number
  readonly user: Address
  readonly fee: string
  readonly cumulative: string
  readonly issued_at: number
  readonly detail_hash: Hex
  readonly detail: string
  readonly signature: Hex
}

export interface ExchangeRow {
  readonly exchange: string
  readonly delivered: string
}

export interface SettlementRow {
  readonly user: Address
  readonly nonce: string
  readonly total_fee: string
  readonly requests_hash: Hex
  readonly signature: Hex
  readonly through_seq: number
  readonly from_block: number
  readonly state: SettlementState
  readonly tx_hash: Hex | null
  readonly paid: string
}

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

export function receiptWrite(id: string, { receipt, detail, signature }: SignedReceipt): Write {
  const { seq, user, fee, cumulative, issuedAt, detail: hash } = receipt
  const amounts = [fee.toString(), cumulative.toString()] as const
  return ['insertReceipt', seq, id, user, ...amounts, issuedAt, hash, detail, signature]
}

export function checkpointWrite(exchange: Exchange, delivered: Delivered): Write {
  return ['checkpoint', exchange.id, exchangeText(exchange), JSON.stringify(delivered)]
}

/** An exchange that a crash left behind. */
export function leftBehind(row: ExchangeRow): { exchange: Exchange; delivered: Delivered } {
  const parsed = JSON.parse(row.exchange) as Exchange & { prices: Record<string, string> }
  const prices = Object.fromEntries(Object.entries(parsed.prices).map(([unit, text]) => [unit, BigInt(text)]))
  return { exchange: { ...parsed, prices }, delivered: JSON.parse(row.delivered) as Delivered }
}

const exchangeText = (exchange: Exchange): string =>
  JSON.stringify(exchange, (_key, value) => (typeof value === 'bigint' ? value.toString() : value))

export function settlementOf(provider: Address, row: SettlementRow): StoredSettlement {
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
    fromBlock: row.from_block,
    state: row.state,
    txHash: row.tx_hash,
    paid: BigInt(row.paid),
  }
}

export function settlementWrite({ entry, throughSeq, fromBlock }: StoredSettlement): Write {
  const { user, nonce, totalFee, requestsHash, signature } = entry
  const words = [user, nonce.toString(), totalFee.toString(), requestsHash, signature] as const
  return ['insertSettlement', ...words, throughSeq, fromBlock]
}
