import type { Address } from '../../../base/hex.ts'
import type { RowSeal } from '../seal.ts'
import type { VoucherRow } from '../tables.ts'
import { isOld, type StoredVoucher, type Vouchers, voucherRow, vouchersOf, withVoucher } from '../vouchers.ts'
import type { GroupCommit } from './groupCommit.ts'
import { write } from './statements.ts'

interface Parts {
  readonly commits: GroupCommit
  readonly seal: RowSeal
}

/** Vouchers in SQLite: memory moves when one is kept, and commits keep the order of the calls. */
export class SqliteVouchers implements Vouchers {
  readonly #parts: Parts
  readonly #known = new Map<string, readonly StoredVoucher[]>()

  constructor(parts: Parts, rows: readonly VoucherRow[]) {
    this.#parts = parts
    for (const voucher of vouchersOf(parts.seal, rows)) this.#learn(voucher)
  }

  known = (user: Address): readonly StoredVoucher[] => this.#known.get(user.toLowerCase()) ?? []

  refresh(): undefined {
    return undefined
  }

  async keep(voucher: StoredVoucher): Promise<void> {
    if (isOld(this.known(voucher.user), voucher)) return
    this.#learn(voucher)
    await this.#parts.commits.commit([write('putVoucher', voucherRow(this.#parts.seal, voucher))])
  }

  async of(users: readonly Address[]): Promise<StoredVoucher[]> {
    return users.flatMap(this.known)
  }

  #learn(voucher: StoredVoucher): void {
    this.#known.set(voucher.user.toLowerCase(), withVoucher(this.known(voucher.user), voucher))
  }
}
