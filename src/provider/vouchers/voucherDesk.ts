import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { Account } from '../../chain/inference.ts'
import { parseVoucher, recoverVoucher, type SignedVoucher } from '../../protocol/voucherHeader.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { StoredVoucher } from '../ledger/vouchers.ts'
import {
  sessionOver,
  sessionUnknown,
  sessionVoid,
  settledByBatches,
  voucherInsufficient,
  voucherMalformed,
  voucherMissing,
  voucherOverCap,
} from './errors.ts'
import { isOf, Sessions, type SessionsOptions } from './sessions.ts'

export interface VoucherDeskOptions extends SessionsOptions {
  readonly chainId: number
  readonly ledger: Pick<Ledger, 'vouchers' | 'totals'>
  /** Served beyond what is signed, neuron. */
  readonly credit: bigint
  /** A session key has to be good for so long after what it signs, seconds: it is claimed meanwhile. */
  readonly claimSeconds: number
  /** ms; default the clock. */
  readonly now?: () => number
}

/** What a payer's vouchers pay for. */
export interface Promised {
  /** Neuron that may still be set aside, beside so much that is: less than nothing when too little is signed. */
  left(reserved: bigint): bigint
  /**
   * @param charged in all; default as this replica knows it
   * @throws AppError `voucher_missing`, `voucher_insufficient` (402)
   */
  assertCovers(amount: bigint, reserved: bigint, charged?: bigint): void
  /** Keeps what was shown; resolves when it is on disk. */
  keep(): Promise<void>
}

/** Looks at the vouchers that come with requests. Nothing beyond them, and the credit, is served. */
export class VoucherDesk {
  readonly #options: VoucherDeskOptions
  readonly #sessions: Sessions
  readonly #now: () => number

  constructor(options: VoucherDeskOptions) {
    this.#options = options
    this.#sessions = new Sessions(options)
    this.#now = options.now ?? Date.now
  }

  get credit(): bigint {
    return this.#options.credit
  }

  /**
   * @param header value of `zg-voucher`, undefined where a request has none
   * @param account as it is known now
   * @throws AppError `voucher_malformed` (400), `session_unknown`, `session_over`, `session_void`,
   * `account_settled_by_batches` (403), `voucher_over_cap` (402)
   */
  async read(header: string | undefined, account: Account): Promise<Promised> {
    const shown = header === undefined ? null : await this.#check(header, account)
    const before = await this.#stillGood(account)
    const best = highest(shown, before)
    return this.#promised(shown, best, account.user)
  }

  #promised(shown: StoredVoucher | null, best: StoredVoucher | null, user: Address): Promised {
    const { ledger, credit, provider } = this.#options
    const signed = best?.cumulative ?? 0n
    return {
      left: (reserved) => signed + credit - ledger.totals(user).charged - reserved,
      assertCovers: (amount, reserved, charged = ledger.totals(user).charged) => {
        if (signed + credit - charged - reserved >= amount) return
        const vouchers = ledger.vouchers.known(user)
        const figures = { provider, charged, reserved, amount, credit, signed, vouchers }
        throw shown ? voucherInsufficient(figures) : voucherMissing(figures)
      },
      keep: async () => {
        if (shown && shown === best) await ledger.vouchers.keep(shown)
      },
    }
  }

  async #check(header: string, account: Account): Promise<StoredVoucher> {
    const voucher = parseVoucher(header)
    if (!voucher) throw voucherMalformed()
    const { provider, chainId, contract } = this.#options
    const { cumulative, signature } = voucher
    const same = this.#options.ledger.vouchers.known(account.user).find((known) => isSame(known, voucher))
    const sessionKey =
      same?.sessionKey ??
      recoverVoucher(chainId, contract.target as Address, { provider, cumulative }, signature)
    return this.#claimable(voucher, sessionKey, account)
  }

  /** The highest that was signed before and can still be claimed. */
  async #stillGood(account: Account): Promise<StoredVoucher | null> {
    for (const known of this.#options.ledger.vouchers.known(account.user)) {
      try {
        return await this.#claimable(known, known.sessionKey, account)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
      }
    }
    return null
  }

  /** By what `settleVouchers` looks at, and in time for it. */
  async #claimable(
    { cumulative, signature }: SignedVoucher,
    recovered: Address | null,
    account: Account,
  ): Promise<StoredVoucher> {
    const sessionKey = recovered?.toLowerCase() as Address | undefined
    if (!sessionKey) throw sessionUnknown(null)
    const { delegation, mode, readAt } = await this.#sessions.of(sessionKey, account)
    const { cap, expiry } = delegation
    if (!isOf(delegation, account.user)) throw sessionUnknown(sessionKey)
    const needed = Math.max(readAt, Math.floor(this.#now() / 1000)) + this.#options.claimSeconds
    if (expiry < needed) throw sessionOver(expiry, needed)
    if (cap === 0n) throw sessionVoid()
    if (mode === 'batch') throw settledByBatches(this.#options.provider)
    if (cumulative > cap) throw voucherOverCap(cumulative, cap)
    return { user: account.user, sessionKey, cumulative, signature, expiry }
  }
}

const isSame = (known: StoredVoucher, { signature, cumulative }: SignedVoucher): boolean =>
  known.signature === signature && known.cumulative === cumulative

/** The first where both are as high: it is the newer one. */
const highest = (first: StoredVoucher | null, second: StoredVoucher | null): StoredVoucher | null =>
  (first?.cumulative ?? -1n) >= (second?.cumulative ?? -1n) ? first : second
