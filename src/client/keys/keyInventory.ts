import type { Address, Hex } from '../../base/hex.ts'
import type { LimitPeriod } from '../../protocol/sessionToken.ts'

/** What a key may spend: neuron as decimal text, in all or in each day of UTC. */
export interface KeyLimit {
  readonly amount: string
  readonly per: LimitPeriod
}

/** A persistent API key that was made here. The key itself is not kept: it is shown once. */
export interface KeyRecord {
  readonly name: string
  readonly chainId: number
  readonly contract: Address
  readonly user: Address
  readonly provider: Address
  /** 0 to 254; revoked on chain by this number. */
  readonly tokenId: number
  /** Of the account when it was made: `revokeAllTokens` ends all of a generation. */
  readonly generation: number
  /** ms */
  readonly createdAt: number
  /** ms; 0 = never. */
  readonly expiresAt: number
  /** First 16 hex digits of the key's sha256: which key it is, for those who have it. Null while it is being made. */
  readonly fingerprint: string | null
  /** What its message is known by to brokers: hash of what was signed. Absent in records of earlier releases. */
  readonly id?: Hex
  /** What it may spend; absent where no limit was asked for. */
  readonly limit?: KeyLimit
}

/** Keeps what keys were made, so that no number is given twice. */
export interface KeyInventory {
  list(): Promise<readonly KeyRecord[]>
  /** Changes the list, alone among all processes; durable when the promise resolves. */
  change(change: (records: readonly KeyRecord[]) => readonly KeyRecord[]): Promise<void>
}
