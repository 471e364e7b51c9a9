import { AppError, EXIT } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { format0G } from '../../base/units.ts'
import { type Account, freeBalance } from '../../chain/inference.ts'
import type { SessionClaims } from '../../protocol/sessionToken.ts'
import type { AccountBook } from '../accounts.ts'
import type { Engine } from '../engine/engine.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { assertNotRevoked } from './authenticate.ts'
import type { InferenceRequest } from './inferenceRequest.ts'

/** Tokens that a chat template may add beside what stands in the body. */
const TEMPLATE_TOKENS = 64

/** Without a new head for this long the chain's word is too old to serve on, ms. */
const HEAD_TOO_OLD_MS = 5 * 60 * 1000

export interface AdmissionOptions {
  readonly provider: Address
  readonly accounts: AccountBook
  readonly ledger: Ledger
  readonly engine: Engine
  readonly prices: { readonly input: bigint; readonly output: bigint }
}

/** Money set aside for a running request; give it back with `release`. */
export interface Reservation {
  readonly amount: bigint
  release(): void
}

/** Admits what can be paid in full, and sets the most that it can cost aside until it is charged. */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #reserved = new Map<string, bigint>()

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /**
   * @throws AppError `token_revoked` (401), `account_missing`, `balance_insufficient` (402, with the exact
   * shortfall), `signer_not_acknowledged` (403), `chain_stale` (503)
   */
  async admit(claims: SessionClaims, request: InferenceRequest): Promise<Reservation> {
    const { accounts } = this.#options
    if (Date.now() - accounts.headSeenAt > HEAD_TOO_OLD_MS) throw chainStale()
    const user = claims.address
    const bound = this.#cost(request.forward.length + TEMPLATE_TOKENS, request)
    try {
      return this.#reserve(claims, await accounts.get(user), bound)
    } catch {
      // Before anyone is refused: the exact count of tokens, and the chain itself.
      const [tokens, account] = await Promise.all([this.#promptTokens(request), accounts.refresh(user)])
      return this.#reserve(claims, account, tokens === undefined ? bound : this.#cost(tokens, request))
    }
  }

  #reserve(claims: SessionClaims, account: Account | null, amount: bigint): Reservation {
    const user = claims.address
    if (!account) throw this.#accountMissing(amount)
    assertNotRevoked(claims, account)
    if (!account.acknowledged) throw this.#notAcknowledged()
    const available = this.#available(account)
    if (available < amount) throw this.#insufficient(amount, available)
    const key = user.toLowerCase()
    this.#addReserved(key, amount)
    let held = true
    return {
      amount,
      release: () => {
        if (held) this.#addReserved(key, -amount)
        held = false
      },
    }
  }

  /** What the account can still pay: free balance, less what is owed, less what is set aside. */
  #available(account: Account): bigint {
    const { ledger } = this.#options
    const { charged, paid } = ledger.totals(account.user)
    // An open settlement whose nonce the chain has taken is already out of the balance.
    const open = ledger.openSettlement(account.user)?.entry
    const taken = open && open.nonce <= account.nonce ? open.totalFee : 0n
    const reserved = this.#reserved.get(account.user.toLowerCase()) ?? 0n
    return freeBalance(account) - (charged - paid - taken) - reserved
  }

  #addReserved(key: string, amount: bigint): void {
    const sum = (this.#reserved.get(key) ?? 0n) + amount
    if (sum === 0n) this.#reserved.delete(key)
    else this.#reserved.set(key, sum)
  }

  #cost(promptTokens: number, request: InferenceRequest): bigint {
    const { input, output } = this.#options.prices
    return BigInt(promptTokens) * input + BigInt(request.maxOutputTokens) * output
  }

  #promptTokens(request: InferenceRequest): Promise<number | undefined> {
    return this.#options.engine.countPromptTokens(request.body)
  }

  #insufficient(needed: bigint, available: bigint): AppError {
    const shortfall = needed - available
    return new AppError({
      code: 'balance_insufficient',
      message: `The sub-account can pay ${format0G(available < 0n ? 0n : available)} 0G, the request may cost ${format0G(needed)} 0G: ${format0G(shortfall)} 0G missing`,
      hint: 'Fund the provider, or ask for fewer tokens with max_tokens. Nothing was charged',
      next: `0g-compute fund ${format0G(shortfall)} --provider ${this.#options.provider}`,
      exitCode: EXIT.noFunds,
      status: 402,
      details: this.#figures(needed, available),
    })
  }

  #accountMissing(needed: bigint): AppError {
    return new AppError({
      code: 'account_missing',
      message: `There is no sub-account at this provider; the request may cost ${format0G(needed)} 0G`,
      hint: 'Fund the provider first. Nothing was charged',
      next: `0g-compute fund ${format0G(needed)} --provider ${this.#options.provider}`,
      exitCode: EXIT.noFunds,
      status: 402,
      details: this.#figures(needed, 0n),
    })
  }

  #figures = (needed: bigint, available: bigint) => ({
    needed: needed.toString(),
    available: available.toString(),
    shortfall: (needed - available).toString(),
  })

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

const chainStale = (): AppError =>
  new AppError({
    code: 'chain_stale',
    message: 'This provider has not seen the chain for five minutes and serves nobody on old balances',
    hint: 'Try again later, or another provider',
    next: '0g-compute provider list',
    retryable: true,
    status: 503,
  })
