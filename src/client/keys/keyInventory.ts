import type { Address } from '../../base/hex.ts'

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
}

/** Keeps what keys were made, so that no number is given twice. */
export interface KeyInventory {
  list(): Promise<readonly KeyRecord[]>
  /** Changes the list, alone among all processes; durable when the promise resolves. */
  change(change: (records: readonly KeyRecord[]) => readonly KeyRecord[]): Promise<void>
}
