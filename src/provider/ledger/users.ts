import type { Address } from '../../base/hex.ts'
import type { StoredSettlement, UserTotals } from './ledger.ts'
import type { UserRow } from './rows.ts'

/** What the ledger keeps of a user in memory. Amounts in neuron. */
export interface UserState {
  readonly user: Address
  charged: bigint
  paid: bigint
  /** Every receipt up to this number is paid in full. */
  settledSeq: number
  lastNonce: bigint
  open: StoredSettlement | null
}

/** The state of every user, loaded at start. */
export class Users {
  readonly #states = new Map<Address, UserState>()

  constructor(rows: readonly UserRow[], open: readonly StoredSettlement[]) {
    for (const row of rows) this.#states.set(row.user, fromRow(row))
    for (const settlement of open) this.get(settlement.entry.user).open = settlement
  }

  /** The state of a user; a new one when there is none yet. */
  get(address: Address): UserState {
    const user = address.toLowerCase() as Address
    let state = this.#states.get(user)
    if (!state) {
      state = { user, charged: 0n, paid: 0n, settledSeq: 0, lastNonce: 0n, open: null }
      this.#states.set(user, state)
    }
    return state
  }

  /** Reads without leaving a trace: anybody may ask for any address. */
  totals(address: Address): UserTotals {
    const user = address.toLowerCase() as Address
    const state = this.#states.get(user)
    return { user, charged: state?.charged ?? 0n, paid: state?.paid ?? 0n }
  }

  lastNonce = (address: Address): bigint =>
    this.#states.get(address.toLowerCase() as Address)?.lastNonce ?? 0n

  owing = (minimum: bigint): UserState[] =>
    this.#all().filter(({ open, charged, paid }) => !open && charged > paid && charged - paid >= minimum)

  open = (address: Address): StoredSettlement | null =>
    this.#states.get(address.toLowerCase() as Address)?.open ?? null

  allOpen = (): StoredSettlement[] => this.#all().flatMap(({ open }) => open ?? [])

  #all = (): UserState[] => [...this.#states.values()]
}

const fromRow = (row: UserRow): UserState => ({
  user: row.user,
  charged: BigInt(row.charged),
  paid: BigInt(row.paid),
  settledSeq: row.settled_seq,
  lastNonce: BigInt(row.last_nonce),
  open: null,
})
