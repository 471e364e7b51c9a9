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

  async refresh(user: Address): Promise<void> {
    for (const voucher of await this.of([user])) this.#learn(voucher)
  }

  async keep(voucher: StoredVoucher): Promise<void> {
    if (isOld(this.known(voucher.user), voucher)) return
    const row = voucherRow(this.#database.seal, voucher)
    await this.#database.plainly((db) => putVoucher(db, row).execute())
    this.#learn(voucher)
  }

  async of(users: readonly Address[]): Promise<StoredVoucher[]> {
    if (users.length === 0) return []
    const wanted = users.map((user) => user.toLowerCase() as Address)
    const rows = await this.#database.plainly((db) =>
      db.selectFrom('vouchers').select(VOUCHER_COLUMNS).where('user', 'in', wanted).execute(),
    )
    return vouchersOf(this.#database.seal, rows)
  }

  #learn(voucher: StoredVoucher): void {
    const known = this.known(voucher.user)
    if (!isOld(known, voucher)) this.#known.set(voucher.user.toLowerCase(), withVoucher(known, voucher))
  }
}
