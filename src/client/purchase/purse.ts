import { smaller } from '../../base/bigint.ts'
import type { Address } from '../../base/hex.ts'
import { type Account, freeBalance } from '../../chain/inference.ts'

/** What was read holds this long, ms: another machine may spend from the same account. */
const HOLD_MS = 60_000

interface Reading {
  readonly account: Account
  /** Owed and not settled when it was read, neuron. */
  readonly owed: bigint
  readonly readAt: number
  /** Spent here since, neuron. */
  spent: bigint
}

/** What lies at each provider, as far as this client knows without asking. */
export class Purse {
  readonly #readings = new Map<string, Reading>()
  /** Worst cost of requests under way, neuron. */
  readonly #underWay = new Map<string, bigint>()

  /** Notes the worst cost of a request while it runs. */
  reserve(provider: Address, amount: bigint): () => void {
    const key = provider.toLowerCase()
    this.#underWay.set(key, this.underWay(provider) + amount)
    let held = true
    return () => {
      if (held) this.#underWay.set(key, this.underWay(provider) - amount)
      held = false
    }
  }

  /** Worst cost of everything under way at a provider, neuron. */
  underWay(provider: Address): bigint {
    return this.#underWay.get(provider.toLowerCase()) ?? 0n
  }

  /** Keeps what was read. `owed` counts for at most what lies there: a broker admits nothing that is not covered. */
  remember(account: Account, owed: bigint, now: number): void {
    this.#readings.set(account.provider.toLowerCase(), {
      account,
      owed: smaller(owed, freeBalance(account)),
      readAt: now,
      spent: 0n,
    })
  }

  /** An answer cost this much, neuron. */
  spend(provider: Address, amount: bigint): void {
    const reading = this.#readings.get(provider.toLowerCase())
    if (reading) reading.spent += amount
  }

  /** Whether everything under way is covered by what is known to lie there. */
  covers(provider: Address, now: number): boolean {
    const reading = this.#current(provider, now)
    if (!reading?.account.acknowledged) return false
    return freeBalance(reading.account) - reading.owed - reading.spent >= this.underWay(provider)
  }

  /** Generation of the account, or null when it has to be read. */
  generation(provider: Address, now: number): number | null {
    return this.#current(provider, now)?.account.generation ?? null
  }

  /** What is known has turned out to be wrong. */
  forget(provider: Address): void {
    this.#readings.delete(provider.toLowerCase())
  }

  #current(provider: Address, now: number): Reading | null {
    const reading = this.#readings.get(provider.toLowerCase())
    return reading && now - reading.readAt < HOLD_MS ? reading : null
  }
}
