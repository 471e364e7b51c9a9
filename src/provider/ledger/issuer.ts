import { randomHex16 } from '../../base/randomHex.ts'
import { type DraftReceipt, draftReceipt, type SignedReceipt } from '../../protocol/receipt.ts'
import { type PrivateKey, signDigest } from '../../protocol/signature.ts'
import type { UserAccount } from './account.ts'
import { assertFits, receiptDetail } from './detail.ts'
import type { Delivered, Exchange } from './ledger.ts'
import type { LedgerOptions } from './openLedger.ts'
import type { LedgerIdentity } from './tables.ts'

/** What a receipt is about. */
export interface Charge {
  readonly exchange: Exchange
  readonly delivered: Delivered
  readonly status: 'complete' | 'partial'
}

/** Makes receipts with the enclave's key. */
export class Issuer {
  readonly #signerKey: PrivateKey
  readonly #now: () => number
  readonly #identity: LedgerIdentity

  constructor({ signerKey, now = Date.now }: LedgerOptions, identity: LedgerIdentity) {
    this.#signerKey = signerKey
    this.#now = now
    this.#identity = identity
  }

  /**
   * The receipt that raises an account to where it is given.
   * @param fee neuron
   * @throws AppError `charge_out_of_range`
   */
  issue(account: UserAccount, fee: bigint, charge: Charge): SignedReceipt {
    const { unsigned, digest } = this.draft(account, fee, charge)
    return { ...unsigned, signature: signDigest(this.#signerKey, digest) }
  }

  /** The same, for somebody else to sign. */
  draft(account: UserAccount, fee: bigint, { exchange, delivered, status }: Charge): DraftReceipt {
    const { chainId, contract, provider } = this.#identity
    const { user, lastSeq: seq, charged: cumulative } = account
    assertFits(seq, cumulative)
    const issuedAt = Math.floor(this.#now() / 1000)
    const detail = receiptDetail(exchange, delivered, status, randomHex16())
    return draftReceipt(chainId, contract, { provider, user, seq, cumulative, fee, issuedAt }, detail)
  }
}
