import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { rowTampered } from './errors.ts'
import type { LedgerIdentity } from './tables.ts'

/** What a row is called in its seal, so that no row passes for another. */
export type RowKind =
  | 'key'
  | 'user'
  | 'counter'
  | 'exchange'
  | 'settlement'
  | 'batch'
  | 'epoch'
  | 'voucher'
  | 'spending'
  | 'task'
  | 'dataset'
  | 'adapter'

type Field = string | number | bigint | null

/**
 * Seals rows with a key that only the enclave has: the disk and the database belong to the host, who must not be
 * able to raise a counter or to alter what is signed. What a seal cannot find is an older row put back; that can
 * only make the ledger forget charges, and what the chain took beyond it is found on the chain.
 */
export class RowSeal {
  readonly #key: KeyObject
  readonly #owner: string

  constructor(key: Uint8Array, { chainId, contract, provider }: LedgerIdentity) {
    this.#key = createSecretKey(key)
    this.#owner = `${chainId} ${contract} ${provider}`.toLowerCase()
  }

  /** HMAC-SHA256 in hex over the row's kind, the ledger's owner and every field. */
  of(kind: RowKind, fields: readonly Field[]): string {
    const text = JSON.stringify([
      kind,
      this.#owner,
      ...fields.map((field) => (field === null ? null : `${field}`)),
    ])
    return createHmac('sha256', this.#key).update(text).digest('hex')
  }

  /** @throws AppError `ledger_row_tampered` */
  check(kind: RowKind, fields: readonly Field[], mac: string): void {
    if (!this.matches(kind, fields, mac)) throw rowTampered(kind, String(fields[0]))
  }

  matches(kind: RowKind, fields: readonly Field[], mac: string): boolean {
    const expected = Buffer.from(this.of(kind, fields))
    const found = Buffer.from(mac)
    return found.length === expected.length && timingSafeEqual(found, expected)
  }
}
