import type { Address } from '../../../base/hex.ts'
import { Lru } from '../../lru.ts'
import { putVoucher } from '../queries.ts'
import { VOUCHER_COLUMNS } from '../tables.ts'
import { isOld, type StoredVoucher, type Vouchers, voucherRow, vouchersOf, withVoucher } from '../vouchers.ts'
import type { PostgresDatabase } from './database.ts'

const MAX_PAYERS = 10_000

/** Vouchers in PostgreSQL: the database keeps the highest, whichever replica was shown it. */
export class PostgresVouchers implements Vouchers {
  readonly #database: PostgresDatabase
  readonly #known = new Lru<string, readonly StoredVoucher[]>(MAX_PAYERS)

  constructor(database: PostgresDatabase) {
    this.#database = database
  }

  known = (user: Address): readonly StoredVoucher[] => this.#known.get(user.toLowerCase()) ?? []

  async keep(voucher: StoredVoucher): Promise<void> {
    if (isOld(this.known(voucher.user), voucher)) return
    const row = voucherRow(this.#database.seal, voucher)
    await this.#database.plainly((db) => putVoucher(db, row).execute())
    this.#known.set(voucher.user.toLowerCase(), withVoucher(this.known(voucher.user), voucher))
  }

  async of(users: readonly Address[]): Promise<StoredVoucher[]> {
    if (users.length === 0) return []
    const wanted = users.map((user) => user.toLowerCase() as Address)
    const rows = await this.#database.plainly((db) =>
      db.selectFrom('vouchers').select(VOUCHER_COLUMNS).where('user', 'in', wanted).execute(),
    )
    return vouchersOf(this.#database.seal, rows)
  }
}
