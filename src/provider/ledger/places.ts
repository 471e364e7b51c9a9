import type { Address } from '../../base/hex.ts'
import type { Account } from '../../chain/inference.ts'
import type { CountedKey } from './keySpending.ts'

/** What running requests hold of a limit. */
export interface Holding {
  readonly running: number
  readonly tokens: number
  /** Neuron that requests may still cost: of a user, of a key that carries a limit; else 0. */
  readonly amount: bigint
}

export const NOTHING: Holding = { running: 0, tokens: 0, amount: 0n }

/** Holds what everybody holds together. Others are users (address in lower case) and keys (their ids). */
export const EVERYBODY = ''

/** What a user took of its minute as of `at`, ms by the database's clock. */
export interface Minute {
  readonly user: Address
  readonly requests: number
  readonly tokens: number
  readonly at: number
}

/** What a change may look at. */
export interface Usage {
  /** ms by the database's clock: those of the replicas may differ. */
  readonly now: number
  /** What the other replicas that are alive hold. */
  others(holder: string): Holding
  minute(user: Address): Minute | undefined
  /** Charged for a key in its period that runs, neuron. @throws AppError `ledger_row_tampered` */
  spent(key: CountedKey): bigint
  /** Charged to one of the users asked about in all, neuron. @throws AppError `ledger_row_tampered` */
  charged(user: Address): bigint
}

export interface PlaceChange<T> {
  /** What this replica holds from now on; of others nothing changes. */
  readonly holdings: ReadonlyMap<string, Holding>
  readonly minutes: readonly Minute[]
  readonly result: T
}

/** As an account says which tokens are revoked. */
export type Revocation = Pick<Account, 'user' | 'generation' | 'revokedBitmap'>

/**
 * What replicas share beside money: who runs how much, and what was revoked. Held by a replica that is silent for a
 * lease, it is free again. None of it is needed to charge rightly, so it need not survive the database.
 */
export interface Places {
  /**
   * Looks at what these users and keys use together and changes it, alone among all replicas.
   * @param decide runs again after a lost connection: it must change nothing itself
   * @throws AppError `ledger_unavailable`
   */
  change<T>(
    about: {
      readonly holders: readonly string[]
      readonly keys: readonly CountedKey[]
      /** In lower case. */
      readonly payers: readonly Address[]
    },
    decide: (usage: Usage) => PlaceChange<T>,
  ): Promise<T>
  /** A block revoked tokens of a user: replicas whose chain node is behind learn it from here. */
  noteRevocation(revocation: Revocation): Promise<void>
  /** From memory, as of the last `refresh` of the user: what any replica has seen revoked lately. */
  revocations(user: Address): readonly Revocation[]
}
