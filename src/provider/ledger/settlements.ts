import type { Address, Hex } from '../../base/hex.ts'
import type { TeeSettlementEntry } from '../../chain/inference.ts'
import { cancel, finish, type Move, reopen } from './account.ts'

/** What can be settled for a user: every charge up to and including `throughSeq` that is not paid. */
export interface Due {
  readonly user: Address
  readonly amount: bigint
  readonly throughSeq: number
  /** sha256 over the detail hashes, in order of their numbers, of the receipts that are not paid in full. */
  readonly requestsHash: Hex
}

export type SettlementState =
  /** Signed and stored, perhaps sent. Resent as the same bytes until the chain answers. */
  | 'open'
  /** The chain took its nonce: `paid` says how much it paid. */
  | 'done'
  /** Paid, and so deep in the chain that it is not looked at again. */
  | 'final'
  /** The chain will never take it (nonce used up elsewhere); the amount is owed again. */
  | 'void'

/** An entry as it is stored before it is sent. */
export interface NewSettlement {
  readonly entry: TeeSettlementEntry
  readonly throughSeq: number
  /** The chain's head when the entry was signed: no earlier block can hold it. */
  readonly fromBlock: number
}

export interface StoredSettlement extends NewSettlement {
  readonly state: SettlementState
  /** The newest transaction that carries it, noted before it was sent; null when there was none. */
  readonly txHash: Hex | null
  readonly paid: bigint
  /** Receipts up to this number were paid before it. */
  readonly afterSeq: number
  /** What is paid in all, neuron, once it is paid in full. */
  readonly throughTotal: bigint
  /** Where it was mined, while a reorganisation may still undo it. */
  readonly block: BlockRef | null
}

export interface BlockRef {
  readonly number: number
  readonly hash: Hex
}

export interface SettlementKey {
  readonly user: Address
  readonly nonce: bigint
}

/** Settlement by entries, each with a nonce of its own: every one is stored before it is sent, and ends in one way. */
export interface Settlements {
  /** Users without an open settlement who owe at least `minimum`, durable charges only. */
  due(minimum: bigint): Promise<Due[]>
  open(): Promise<StoredSettlement[]>
  /** The nonce of the user's newest settlement here, 0 when there is none. */
  lastNonce(user: Address): Promise<bigint>
  /** At most one open settlement a user, with a nonce above every earlier one. @throws AppError `settlement_out_of_order` */
  store(settlements: readonly NewSettlement[]): Promise<void>
  /** The same entry under another signature: the enclave's key changed. Whichever is taken pays once. */
  replaceSignature(key: SettlementKey, signature: Hex): Promise<void>
  markSent(keys: readonly SettlementKey[], txHash: Hex): Promise<void>
  /**
   * The chain paid `paid` of the entry and took its nonce; what it did not pay stays owed. Without a block it is
   * final at once.
   */
  markDone(key: SettlementKey, paid: bigint, txHash: Hex, block?: BlockRef): Promise<void>
  /** Another entry used the nonce up: this one can never be paid, its amount is owed again. */
  markVoid(key: SettlementKey): Promise<void>
  /** Paid, but perhaps not for good: what `markFinal` or `reopen` has to decide. */
  recent(): Promise<StoredSettlement[]>
  markFinal(keys: readonly SettlementKey[]): Promise<void>
  /** A reorganisation took the payment back: the same entry is open again, and its amount owed. */
  reopen(key: SettlementKey): Promise<void>
  /** Counts what the chain took by entries that this ledger does not know, up to `nonce`. Once for each nonce. */
  adopt(user: Address, payment: { readonly paid: bigint; readonly nonce: bigint }): Promise<void>
}

/** Steps of a settlement, alike in both databases. */
export abstract class SettlementSteps {
  /** Moves those that are in this state; the others were moved before, perhaps by another replica. */
  protected abstract move(
    keys: readonly SettlementKey[],
    state: SettlementState,
    step: (move: Move) => Move,
  ): Promise<void>

  replaceSignature(key: SettlementKey, signature: Hex): Promise<void> {
    return this.move([key], 'open', ({ account, settlement }) => ({
      account,
      settlement: { ...settlement, entry: { ...settlement.entry, signature } },
    }))
  }

  markSent(keys: readonly SettlementKey[], txHash: Hex): Promise<void> {
    return this.move(keys, 'open', ({ account, settlement }) => ({
      account,
      settlement: { ...settlement, txHash },
    }))
  }

  markDone(key: SettlementKey, paid: bigint, txHash: Hex, block?: BlockRef): Promise<void> {
    return this.move([key], 'open', (move) => finish(move, paid, txHash, block ?? null))
  }

  markVoid(key: SettlementKey): Promise<void> {
    return this.move([key], 'open', cancel)
  }

  markFinal(keys: readonly SettlementKey[]): Promise<void> {
    return this.move(keys, 'done', ({ account, settlement }) => ({
      account,
      settlement: { ...settlement, state: 'final' },
    }))
  }

  reopen(key: SettlementKey): Promise<void> {
    return this.move([key], 'done', reopen)
  }
}
