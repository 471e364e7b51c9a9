import type { Address, Hex } from '../../../base/hex.ts'
import {
  addSpending,
  asOf,
  type CountedKey,
  dayOf,
  type KeySpending,
  keySpendingOf,
  keySpendingRow,
} from '../keySpending.ts'
import type { RowSeal } from '../seal.ts'
import type { KeySpendingRow } from '../tables.ts'
import { type Write, write } from './statements.ts'

/** What was charged for keys that carry a limit; loaded at start, later memory counts and the disk follows. */
export class Keys {
  readonly #held = new Map<Hex, KeySpending>()
  /** Keys whose rows the enclave did not write: they spend nothing any more. */
  readonly #faults = new Map<Hex, unknown>()
  readonly #seal: RowSeal
  readonly #now: () => number

  constructor(seal: RowSeal, rows: readonly KeySpendingRow[], now: () => number) {
    this.#seal = seal
    this.#now = now
    for (const row of rows) {
      try {
        this.#held.set(row.id, keySpendingOf(seal, row))
      } catch (error) {
        this.#faults.set(row.id, error)
      }
    }
  }

  /** @throws AppError `ledger_row_tampered` */
  spent({ id }: CountedKey): bigint {
    if (this.#faults.has(id)) throw this.#faults.get(id)
    const held = this.#held.get(id)
    return held ? asOf(this.#today(), held).spent : 0n
  }

  of(user: Address): KeySpending[] {
    const own = user.toLowerCase()
    const today = this.#today()
    return [...this.#held.values()].filter((held) => held.user === own).map((held) => asOf(today, held))
  }

  /** Counts a charge. What was delivered is charged to the user, whatever became of the key's row. */
  charge(key: CountedKey, user: Address, fee: bigint): Write[] {
    if (this.#faults.has(key.id)) return []
    const spending = addSpending(this.#held.get(key.id), key, user, fee, this.#today())
    this.#held.set(key.id, spending)
    return [write('putKeySpending', keySpendingRow(this.#seal, spending))]
  }

  #today = (): number => dayOf(this.#now())
}
