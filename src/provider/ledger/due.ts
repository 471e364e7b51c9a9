import { createHash } from 'node:crypto'
import { hexToBytes } from '../../base/hex.ts'
import type { UserAccount } from './account.ts'
import { rowTampered } from './errors.ts'
import type { Due } from './settlements.ts'
import type { ReceiptRow } from './tables.ts'

/** Receipts that are read at once. */
export const PAGE = 1000

/** Collects what a user owes from its receipts, page by page, against the sealed counter. */
class DueBuilder {
  readonly #account: UserAccount
  readonly #hash = createHash('sha256')
  #last: ReceiptRow | undefined

  constructor(account: UserAccount) {
    this.#account = account
  }

  get after(): number {
    return this.#last?.seq ?? this.#account.settledSeq
  }

  /** @returns whether there may be more */
  add(page: readonly ReceiptRow[]): boolean {
    for (const row of page) {
      if (row.seq > this.#account.lastSeq) return false
      this.#hash.update(hexToBytes(row.detail_hash))
      this.#last = row
    }
    return page.length === PAGE
  }

  /** @throws AppError `ledger_row_tampered` when the receipts do not add up to the counter */
  build(): Due | null {
    const { user, charged, paid, lastSeq } = this.#account
    const last = this.#last
    if (!last) return null
    if (last.seq !== lastSeq || BigInt(last.cumulative) !== charged) throw rowTampered('receipt', user)
    return {
      user,
      amount: charged - paid,
      throughSeq: lastSeq,
      requestsHash: `0x${this.#hash.digest('hex')}`,
    }
  }
}

/**
 * What a user owes: every receipt after the last that is paid, up to the counter.
 * @throws AppError `ledger_row_tampered`
 */
export function dueOf(account: UserAccount, readAfter: (after: number) => readonly ReceiptRow[]): Due | null {
  const builder = new DueBuilder(account)
  while (builder.add(readAfter(builder.after)));
  return builder.build()
}

/** The same, where reading takes time. */
export async function dueOfLater(
  account: UserAccount,
  readAfter: (after: number) => Promise<readonly ReceiptRow[]>,
): Promise<Due | null> {
  const builder = new DueBuilder(account)
  while (builder.add(await readAfter(builder.after)));
  return builder.build()
}
