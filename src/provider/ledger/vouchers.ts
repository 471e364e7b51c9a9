import type { Address, Hex } from '../../base/hex.ts'
import type { RowSeal } from './seal.ts'
import type { VoucherRow } from './tables.ts'

/** The highest voucher that a session key signed. */
export interface StoredVoucher {
  readonly user: Address
  readonly sessionKey: Address
  /** Neuron in all since the beginning. */
  readonly cumulative: bigint
  /** 65 bytes. */
  readonly signature: Hex
  /** Of the delegation when the voucher came, unix seconds; it may have been put off since. */
  readonly expiry: number
}

/** What a provider without a TEE is paid by: of each session key the highest voucher, which replaces all below it. */
export interface Vouchers {
  /** From memory: those of a payer that this process was shown, the highest first. */
  known(user: Address): readonly StoredVoucher[]
  /** Learns what other replicas, or an earlier process, were shown of a payer; nothing to wait for where all is known. */
  refresh(user: Address): Promise<void> | undefined
  /** Keeps a voucher if it is the highest of its key; resolves when that is on disk. */
  keep(voucher: StoredVoucher): Promise<void>
  /** All that is kept of these payers. */
  of(users: readonly Address[]): Promise<StoredVoucher[]>
}

/** Those of one payer with a newer one among them, the highest first. */
export const withVoucher = (kept: readonly StoredVoucher[], voucher: StoredVoucher): StoredVoucher[] =>
  [...kept.filter(({ sessionKey }) => sessionKey !== voucher.sessionKey), voucher].sort(byCumulative)

/** Whether a key signed as much before. */
export const isOld = (kept: readonly StoredVoucher[], { sessionKey, cumulative }: StoredVoucher): boolean =>
  kept.some((known) => known.sessionKey === sessionKey && known.cumulative >= cumulative)

const byCumulative = (a: StoredVoucher, b: StoredVoucher): number =>
  a.cumulative === b.cumulative ? 0 : a.cumulative > b.cumulative ? -1 : 1

/** Addresses in lower case. */
export function voucherRow(seal: RowSeal, voucher: StoredVoucher): VoucherRow {
  const row = {
    user: voucher.user.toLowerCase() as Address,
    session_key: voucher.sessionKey.toLowerCase() as Address,
    cumulative: voucher.cumulative.toString(),
    signature: voucher.signature,
    expiry: voucher.expiry,
  }
  return { ...row, mac: seal.of('voucher', sealedFields(row)) }
}

/** Those that this provider wrote. Another one says nothing: its payer shows it again with the next request. */
export const vouchersOf = (seal: RowSeal, rows: readonly VoucherRow[]): StoredVoucher[] =>
  rows.filter((row) => seal.matches('voucher', sealedFields(row), row.mac)).map(voucherOfRow)

const voucherOfRow = ({ user, session_key, cumulative, signature, expiry }: VoucherRow): StoredVoucher => ({
  user,
  sessionKey: session_key,
  cumulative: BigInt(cumulative),
  signature,
  expiry,
})

const sealedFields = (row: Omit<VoucherRow, 'mac'>) => [
  row.user,
  row.session_key,
  row.cumulative,
  row.signature,
  row.expiry,
]
