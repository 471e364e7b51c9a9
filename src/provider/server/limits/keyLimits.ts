import { AppError, EXIT } from '../../../base/errors.ts'
import type { Hex } from '../../../base/hex.ts'
import { format0G } from '../../../base/units.ts'
import { type ParsedToken, tokenHash } from '../../../protocol/sessionToken.ts'
import { type CountedKey, dayOf, endOfDay } from '../../ledger/keySpending.ts'
import type { Ledger } from '../../ledger/ledger.ts'

/** What a key may spend, as its owner signed it into the key. */
export interface KeyLimit extends CountedKey {
  /** Neuron, in each period. */
  readonly amount: bigint
}

/** The limit that a token carries, or null. */
export const keyLimitOf = ({ claims, message }: ParsedToken): KeyLimit | null =>
  claims.limit === undefined
    ? null
    : { id: tokenHash(message), per: claims.limitPer!, amount: BigInt(claims.limit) }

/** Keeps keys within their limits: what was charged is in the ledger, what running requests may cost is here. */
export class KeyBudgets {
  readonly #ledger: Pick<Ledger, 'spent'>
  readonly #now: () => number
  readonly #reserved = new Map<Hex, bigint>()

  constructor(ledger: Pick<Ledger, 'spent'>, now: () => number = Date.now) {
    this.#ledger = ledger
    this.#now = now
  }

  /** What a request may still cost, neuron; below zero never. */
  left(limit: KeyLimit): bigint {
    const left = limit.amount - this.#ledger.spent(limit) - (this.#reserved.get(limit.id) ?? 0n)
    return left > 0n ? left : 0n
  }

  /**
   * Sets an amount aside until it is given back.
   * @returns gives it back
   * @throws AppError `key_limit_reached` (402)
   */
  reserve(limit: KeyLimit, amount: bigint): () => void {
    const left = this.left(limit)
    if (amount > left) throw keyLimitReached(limit, left, amount, this.#now())
    this.#add(limit.id, amount)
    return () => this.#add(limit.id, -amount)
  }

  #add(id: Hex, amount: bigint): void {
    const sum = (this.#reserved.get(id) ?? 0n) + amount
    if (sum === 0n) this.#reserved.delete(id)
    else this.#reserved.set(id, sum)
  }
}

/** When the limit of a key is whole again, ms; null for never. */
export const renewalOf = ({ per }: CountedKey, now: number): number | null =>
  per === 'day' ? endOfDay(dayOf(now)) : null

/** @param now ms */
export function keyLimitReached(limit: KeyLimit, left: bigint, needed: bigint, now: number): AppError {
  const renewal = renewalOf(limit, now)
  const renewsAt = renewal === null ? null : new Date(renewal).toISOString()
  const period = renewsAt ? 'a day' : 'in all'
  const renews = renewsAt ? `at ${renewsAt}` : 'never'
  return new AppError({
    code: 'key_limit_reached',
    message: `This API key may spend ${format0G(limit.amount)} 0G ${period}: ${format0G(left)} 0G are left, the request may cost ${format0G(needed)} 0G`,
    hint: `The limit renews ${renews}. Ask for fewer tokens with max_tokens, or use another key. Nothing was charged`,
    next: '0g-compute keys list',
    exitCode: EXIT.noFunds,
    status: 402,
    details: {
      limit: limit.amount.toString(),
      per: limit.per,
      needed: needed.toString(),
      remaining: left.toString(),
      renewsAt,
    },
  })
}
