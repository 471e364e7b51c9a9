import { larger, smaller } from '../../base/bigint.ts'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { format0G } from '../../base/units.ts'
import { type Account, freeBalance } from '../../chain/inference.ts'
import { feeOf, type Prices } from '../../protocol/pricing.ts'
import { mediaIn, promptBound } from '../../protocol/promptBound.ts'
import type { AccountBook } from '../accounts.ts'
import type { Engine } from '../engine/engine.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Promised, VoucherDesk } from '../vouchers/voucherDesk.ts'
import { assertNotRevoked, assertNotSeenRevoked } from './authenticate.ts'
import type { Visitor } from './gate.ts'
import { type InferenceRequest, withOutputCap } from './inferenceRequest.ts'
import { KeyBudgets } from './limits/keyLimits.ts'
import type { Covered } from './limits/sharedRound.ts'
import { dearestPrices, type PriceTier } from './priceTiers.ts'
import { uncountedBytes } from './uncounted.ts'

/** Without a new head for this long only balances that are known already count, ms. */
const HEAD_OLD_MS = 60 * 1000
/** Without a new head for this long the chain's word is too old to serve on, ms. */
const HEAD_TOO_OLD_MS = 5 * 60 * 1000

export interface AdmissionOptions {
  readonly provider: Address
  readonly accounts: AccountBook
  readonly ledger: Ledger
  readonly engine: Engine
  /** Where there is no TEE: nothing beyond what is signed is admitted. */
  readonly vouchers?: VoucherDesk | null
  /** Throws while nothing may be charged: a new epoch of receipt numbers is not final yet. */
  readonly assertOpen?: () => void
}

export interface AdmissionRequest {
  readonly visitor: Visitor
  readonly request: InferenceRequest
  readonly prices: Prices
  readonly tiers: readonly PriceTier[]
  /** The caller takes fewer tokens than asked for where the balance pays no more. */
  readonly mayCap: boolean
  /** Value of the header `zg-voucher`. */
  readonly voucher?: string | undefined
}

/** A request that can be paid, with the money for it set aside; give it back with `release`. */
export interface Admitted {
  /** As it came, or capped. */
  readonly request: InferenceRequest
  /** Output tokens that it was capped to, null when it was not. */
  readonly cappedTo: number | null
  /** The most that its prompt can count, 0 where no tokens are sold. */
  readonly promptTokens: number
  /** The most that it can cost, neuron. */
  readonly amount: bigint
  /** Other replicas may serve on the same money. */
  readonly covered: Covered
  release(): void
}

/** Admits what can be paid in full, and sets the most that it can cost aside until it is charged. */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #reserved = new Map<string, bigint>()
  readonly #keys: KeyBudgets
  readonly #now: () => number

  constructor(options: AdmissionOptions, now: () => number = Date.now) {
    this.#options = options
    this.#now = now
    this.#keys = new KeyBudgets(options.ledger, now)
  }

  /**
   * @throws AppError `token_revoked` (401), `account_missing`, `balance_insufficient` (402, with the exact
   * shortfall), `key_limit_reached` (402), `signer_not_acknowledged` (403), `chain_stale` (503)
   */
  async admit(asked: AdmissionRequest): Promise<Admitted> {
    const { visitor, request } = asked
    const { address } = visitor.claims
    const { accounts, ledger, vouchers } = this.#options
    this.#options.assertOpen?.()
    const ageMs = this.#now() - accounts.headSeenAt
    if (ageMs > HEAD_TOO_OLD_MS) throw chainStale('five minutes')
    // Nothing to wait for unless other replicas charge the same user.
    const others = ledger.refresh(address, visitor.limit?.id)
    if (others) await others
    if (ledger.places) assertNotSeenRevoked(visitor.claims, ledger.places.revocations(address))
    const bound = costOf(asked, promptBoundOf(request))
    try {
      // While the body was on its way a block may have touched the account.
      const account = visitor.account && (await accounts.get(address))
      const promised = account && vouchers && (await this.#read(asked, account))
      return await kept(this.#reserve(visitor, account, request, bound, promised), promised)
    } catch (refusal) {
      if (ageMs > HEAD_OLD_MS) throw isMoney(refusal) ? chainStale('a minute') : refusal
      // Before anyone is refused: the exact count of tokens, the chain itself, and what other replicas were shown.
      const [tokens = promptBoundOf(request), account] = await Promise.all([
        this.#countPrompt(request),
        visitor.refresh(),
      ])
      if (vouchers) await ledger.vouchers.refresh(address)
      const promised = account && vouchers && (await this.#read(asked, account))
      return kept(this.#reserveExact(asked, account, tokens, promised), promised)
    }
  }

  /** Undefined where the bound has to do: messages are the engine's own to render, and media only it can count. */
  async #countPrompt(request: InferenceRequest): Promise<number | undefined> {
    const isOurs = request.most === null && request.kind !== 'messages' && mediaIn(request.body) === 0
    const counted = isOurs ? await this.#options.engine.countPromptTokens(request.body) : undefined
    return counted === undefined ? undefined : counted + uncountedBytes(request.body)
  }

  /** What the payer signed. */
  #read({ voucher }: AdmissionRequest, account: Account): Promise<Promised> {
    return this.#options.vouchers!.read(voucher, account)
  }

  #reserveExact(
    asked: AdmissionRequest,
    account: Account | null,
    promptTokens: number,
    promised: Promised | null | undefined,
  ): Admitted {
    const { visitor, request, mayCap } = asked
    const cost = costOf(asked, promptTokens)
    const prices = dearestPrices(asked.prices, asked.tiers, promptTokens)
    const available = mayCap && account ? this.#spendable(visitor, account, promised) : 0n
    const cap = affordableOutput(available, request, promptTokens, prices)
    if (cap < 1 || cap * request.choices >= request.maxOutputTokens)
      return this.#reserve(visitor, account, request, cost, promised)
    const capped = withOutputCap(request, cap)
    const less = costOf({ ...asked, request: capped }, promptTokens)
    return { ...this.#reserve(visitor, account, capped, less, promised), cappedTo: cap }
  }

  /** What the account can still pay, within what the key may spend and what is signed. */
  #spendable({ limit }: Visitor, account: Account, promised: Promised | null | undefined): bigint {
    const available = this.#available(account)
    const signed = promised ? smaller(promised.left(this.#reservedOf(account)), available) : available
    return limit ? smaller(this.#keys.left(limit), signed) : signed
  }

  #reserve(
    { claims, limit }: Visitor,
    account: Account | null,
    request: InferenceRequest,
    { promptTokens, amount }: Cost,
    promised: Promised | null | undefined,
  ): Admitted {
    if (!account) throw accountMissing(this.#options.provider, amount)
    assertNotRevoked(claims, account)
    if (!promised && !account.acknowledged) throw this.#notAcknowledged()
    const available = this.#available(account)
    if (available < amount) throw this.#insufficient(amount, available)
    promised?.assertCovers(amount, this.#reservedOf(account))
    const giveBack = limit && this.#keys.reserve(limit, amount)
    const key = claims.address.toLowerCase()
    this.#addReserved(key, amount)
    let held = true
    return {
      request,
      cappedTo: null,
      promptTokens,
      amount,
      covered: this.#coveredFor(account, amount, promised),
      release: () => {
        if (!held) return
        held = false
        this.#addReserved(key, -amount)
        giveBack?.()
      },
    }
  }

  /** The same by what all replicas charged and set aside. */
  #coveredFor(account: Account, amount: bigint, promised: Promised | null | undefined): Covered {
    const { ledger } = this.#options
    return {
      amount,
      assertCovers: (charged, reserved) => {
        promised?.assertCovers(amount, reserved, charged)
        const elsewhere = larger(charged - ledger.totals(account.user).charged, 0n)
        const available = freeBalance(account) - ledger.owed(account.user, account) - elsewhere - reserved
        if (available < amount) throw this.#insufficient(amount, available, reserved > 0n)
      },
    }
  }

  /** What the account can still pay: free balance, less what is owed, less what is set aside. */
  #available(account: Account): bigint {
    const owed = this.#options.ledger.owed(account.user, account)
    return freeBalance(account) - owed - this.#reservedOf(account)
  }

  #reservedOf = ({ user }: Account): bigint => this.#reserved.get(user.toLowerCase()) ?? 0n

  #addReserved(key: string, amount: bigint): void {
    const sum = (this.#reserved.get(key) ?? 0n) + amount
    if (sum === 0n) this.#reserved.delete(key)
    else this.#reserved.set(key, sum)
  }

  #insufficient(needed: bigint, available: bigint, retryable = false): AppError {
    const shortfall = needed - available
    return new AppError({
      code: 'balance_insufficient',
      message: `insufficient balance: the sub-account can pay ${format0G(available < 0n ? 0n : available)} 0G, the request may cost ${format0G(needed)} 0G: ${format0G(shortfall)} 0G missing`,
      hint: 'Fund the provider, or ask for fewer tokens with max_tokens. Nothing was charged',
      next: `0g-compute fund ${format0G(shortfall)} --provider ${this.#options.provider}`,
      retryable,
      exitCode: EXIT.noFunds,
      status: 402,
      details: figures(needed, available),
    })
  }

  #notAcknowledged(): AppError {
    return new AppError({
      code: 'signer_not_acknowledged',
      message: 'The account has not acknowledged the signer of this provider',
      hint: 'Acknowledge it, then repeat. Nothing was charged',
      next: `0g-compute fund 0 --provider ${this.#options.provider}`,
      status: 403,
    })
  }
}

/** A voucher is on disk before anything is done for it. */
async function kept(admitted: Admitted, promised: Promised | null | undefined): Promise<Admitted> {
  try {
    await promised?.keep()
    return admitted
  } catch (error) {
    admitted.release()
    throw error
  }
}

/** The most tokens that the prompt can become. */
export const promptBoundOf = ({ bodyBytes, body, model }: InferenceRequest): number =>
  promptBound(bodyBytes, body, model.contextLength)

/** The most that a request can count and cost. */
type Cost = Pick<Admitted, 'promptTokens' | 'amount'>

function costOf({ request, prices, tiers }: AdmissionRequest, promptTokens: number): Cost {
  const { most, maxOutputTokens } = request
  if (most) return { promptTokens: 0, amount: feeOf(most, prices) }
  const dearest = dearestPrices(prices, tiers, promptTokens)
  return { promptTokens, amount: tokenFee(promptTokens, maxOutputTokens, dearest) }
}

/** Output tokens of each choice that an amount pays beside the prompt. */
function affordableOutput(
  amount: bigint,
  { choices, maxOutputTokens }: InferenceRequest,
  promptTokens: number,
  prices: Prices,
): number {
  const left = amount - tokenFee(promptTokens, 0, prices)
  if (maxOutputTokens === 0 || left <= 0n || !prices.output) return 0
  return Number(left / prices.output / BigInt(choices))
}

const tokenFee = (prompt: number, generated: number, { input = 0n, output = 0n }: Prices): bigint =>
  BigInt(prompt) * input + BigInt(generated) * output

const isMoney = (refusal: unknown): boolean => refusal instanceof AppError && refusal.status === 402

const figures = (needed: bigint, available: bigint) => ({
  needed: needed.toString(),
  available: available.toString(),
  shortfall: (needed - available).toString(),
})

/** @param needed neuron; null when the request was not read */
export const accountMissing = (provider: Address, needed: bigint | null): AppError =>
  new AppError({
    code: 'account_missing',
    message: `There is no sub-account at this provider${needed === null ? '' : `; the request may cost ${format0G(needed)} 0G`}`,
    hint: 'Fund the provider first. Nothing was charged',
    next: `0g-compute fund ${needed === null ? '1' : format0G(needed)} --provider ${provider}`,
    exitCode: EXIT.noFunds,
    status: 402,
    ...(needed !== null && { details: figures(needed, 0n) }),
  })

const chainStale = (since: string): AppError =>
  new AppError({
    code: 'chain_stale',
    message: `This provider has not seen the chain for ${since} and does not serve on old balances`,
    hint: 'Nothing was charged. Try again later, or another provider',
    next: '0g-compute provider list',
    retryable: true,
    status: 503,
  })
