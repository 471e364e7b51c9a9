import { isUnattested } from '../../attestation/signers.ts'
import { AppError } from '../../base/errors.ts'
import type { Service } from '../../chain/inference.ts'
import type { EnsureOptions, FundingResult } from '../funding/funding.ts'
import type { BuyerSession } from '../session.ts'
import type { VoucherPledge, Vouchers } from '../vouchers/vouchers.ts'
import type { PreparedBody } from './prepareBody.ts'
import type { PurchaseRequest } from './purchase.ts'

/** Refusals after which the chain is asked what the session key may sign. */
const SESSION_CODES = new Set(['session_unknown', 'session_over', 'session_void', 'voucher_over_cap'])
/** Refusals that say what was charged. */
const TOTAL_CODES = new Set(['voucher_insufficient', 'voucher_missing'])
/** Whether these were answered, and charged, nobody can say. */
const UNKNOWN_CODES = new Set(['provider_unreachable', 'provider_slow'])

/** What paying by vouchers takes beside the rest. For providers with a TEE nothing is done, and nothing loaded. */
export class VoucherPayments {
  readonly #session: BuyerSession
  #loaded: Promise<Vouchers> | undefined

  constructor(session: BuyerSession) {
    this.#session = session
  }

  /** Whether a session key may sign for so much, neuron. */
  async isReady(service: Service, amount: bigint): Promise<boolean> {
    return !isUnattested(service) || (await this.#vouchers()).isReady(service.provider, amount)
  }

  /** Has a session key delegated with whatever else has to be sent. */
  async ensuring(
    service: Service,
    amount: () => bigint,
    ensure: (options: Pick<EnsureOptions, 'delegate'>) => Promise<FundingResult>,
  ): Promise<FundingResult> {
    if (!isUnattested(service)) return ensure({})
    const vouchers = await this.#vouchers()
    const { provider } = service
    const result = await ensure({ delegate: (free, opens) => vouchers.plan(provider, amount(), free, opens) })
    if (result.transactions.length > 0) await vouchers.learn(provider)
    return result
  }

  /** Signs for one request; null where nobody asks for it. */
  async pledge(service: Service, amount: bigint): Promise<VoucherPledge | null> {
    return isUnattested(service) ? (await this.#vouchers()).pledge(service.provider, amount) : null
  }

  /** Whether it is about the session key: what is known of it is forgotten. */
  async isAboutSession({ provider }: Service, { code }: AppError): Promise<boolean> {
    if (!SESSION_CODES.has(code)) return false
    await (await this.#vouchers()).distrust(provider)
    return true
  }

  /**
   * What to sign for instead, where a voucher was too low for a reason that holds; else null. More than twice what this
   * client expects is not signed.
   * @throws AppError `voucher_unexplained`
   */
  async amountFor(
    { provider }: Service,
    refusal: AppError,
    { worst }: PreparedBody,
    { maxCost }: PurchaseRequest,
  ): Promise<bigint | null> {
    if (!TOTAL_CODES.has(refusal.code)) return null
    const asked = await (await this.#vouchers()).explain(provider, refusal)
    if (asked === null) return null
    if (asked <= worst) return worst
    const isTooMuch = asked > 2n * worst || (maxCost !== undefined && asked > maxCost)
    return isTooMuch ? null : asked
  }

  #vouchers(): Promise<Vouchers> {
    this.#loaded ??= import('../vouchers/vouchers.ts').then(({ Vouchers }) => new Vouchers(this.#session))
    return this.#loaded
  }
}

/** Whether a request that failed so was refused: then nothing is owed for it. */
export const isRefused = (error: unknown): boolean =>
  error instanceof AppError && error.status < 500 && !UNKNOWN_CODES.has(error.code)
