import type { Address, Hex } from '../../base/hex.ts'
import type { LimitPeriod } from '../../protocol/sessionToken.ts'
import type { RowSeal } from './seal.ts'
import type { KeySpendingRow } from './tables.ts'

/** An API key that carries a spending limit: what it is charged is counted. */
export interface CountedKey {
  /** `tokenHash` of its message. */
  readonly id: Hex
  readonly per: LimitPeriod
}

/** What was charged for a key. */
export interface KeySpending {
  readonly id: Hex
  readonly user: Address
  /** The day that `spent` is of, in days of UTC since 1970; 0 where it is of all time. */
  readonly day: number
  /** Neuron. */
  readonly spent: bigint
}

const DAY_MS = 24 * 60 * 60 * 1000

/** Days of UTC since 1970. */
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS)

/** When a day ends, ms. */
export const endOfDay = (day: number): number => (day + 1) * DAY_MS

/** A clock that goes back by less forgets nothing. */
const KEPT_DAYS = 30

/** Rows of earlier days are dropped: they count for nothing, and a key that is used again gets a new one. */
export const oldestKept = (ms: number): number => dayOf(ms) - KEPT_DAYS

/** What counts of it on a day. A clock that went back forgets nothing. */
export const asOf = (today: number, spending: KeySpending): KeySpending =>
  spending.day !== 0 && spending.day < today ? { ...spending, day: today, spent: 0n } : spending

/** @param before what was charged for the key up to now, if anything was */
export function addSpending(
  before: KeySpending | undefined,
  { id, per }: CountedKey,
  user: Address,
  fee: bigint,
  today: number,
): KeySpending {
  const { day, spent } = before ? asOf(today, before) : { day: per === 'day' ? today : 0, spent: 0n }
  return { id, user: user.toLowerCase() as Address, day, spent: spent + fee }
}

export function keySpendingRow(seal: RowSeal, { id, user, day, spent }: KeySpending): KeySpendingRow {
  const row = { id, user, day, spent: spent.toString() }
  return { ...row, mac: seal.of('spending', Object.values(row)) }
}

/** @throws AppError `ledger_row_tampered` */
export function keySpendingOf(seal: RowSeal, { id, user, day, spent, mac }: KeySpendingRow): KeySpending {
  seal.check('spending', [id, user, day, spent], mac)
  return { id, user, day, spent: BigInt(spent) }
}
