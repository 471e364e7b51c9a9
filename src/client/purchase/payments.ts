import { isUnattested } from '../../attestation/signers.ts'
import { larger, smaller } from '../../base/bigint.ts'
import type { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { type Account, freeBalance } from '../../chain/account.ts'
import type { Service } from '../../chain/inference.ts'
import { BrokerApi } from '../brokerApi.ts'
import type { Funding, FundingHooks } from '../funding/funding.ts'
import type { CheckedProvider } from '../providerCheck.ts'
import { type BuyerSession, requireAccount } from '../session.ts'
import { SingleFlight } from '../singleFlight.ts'
import type { SessionTokens } from '../tokens.ts'
import { ProviderFault } from './providerFault.ts'
import { Purse } from './purse.ts'
import { VoucherPayments } from './voucherPayments.ts'

/** Transferred beyond the need, so that the next answers find money there. */
const HEADROOM_PERCENT = 100n

/** Sees to it that there is money where answers are bought, and to what a provider may take of it. */
export class Payments {
  readonly vouchers: VoucherPayments
  readonly #session: BuyerSession
  readonly #funding: () => Promise<Funding>
  readonly #tokens: SessionTokens
  readonly #purse: Purse
  readonly #readings = new SingleFlight()

  /** @param funding loaded when money has to be looked after */
  constructor(session: BuyerSession, funding: () => Promise<Funding>, tokens: SessionTokens) {
    this.#session = session
    this.#funding = funding
    this.#tokens = tokens
    this.#purse = new Purse(session.cache, session.account?.address)
    this.vouchers = new VoucherPayments(session)
  }

  /** Notes the worst cost of a request, neuron. @returns to be called when it is over */
  reserve(provider: Address, worst: bigint): () => void {
    return this.#purse.reserve(provider, worst)
  }

  /** Notes what an answer cost, neuron. */
  spend(provider: Address, fee: bigint): void {
    this.#purse.spend(provider, fee)
  }

  /** Makes sure that the provider can set the worst cost of everything under way aside, and what is owed. */
  async cover(service: Service, checked: CheckedProvider, hooks: FundingHooks): Promise<void> {
    const { provider } = service
    if (await this.#isFunded(service)) return
    const owed = await this.#owed(service, checked)
    if (await this.#isFunded(service)) return
    const needed = () => owed + this.#purse.underWay(provider)
    const { transactions } = await this.#ensure(service, needed, hooks, HEADROOM_PERCENT)
    if (transactions.length > 0) this.#purse.forget(provider)
  }

  async #isFunded(service: Service): Promise<boolean> {
    const { provider } = service
    if (!this.#purse.covers(provider, this.#session.runtime.now(), !isUnattested(service))) return false
    return this.vouchers.isReady(service, this.#purse.underWay(provider))
  }

  async #ensure(service: Service, needed: () => bigint, hooks: FundingHooks, headroomPercent: bigint) {
    const { provider, teeSignerAddress: signer } = service
    const funding = await this.#funding()
    const underWay = () => this.#purse.underWay(provider)
    return this.vouchers.ensuring(service, underWay, (options) =>
      funding.ensure(provider, needed, hooks, { headroomPercent, signer, ...options }),
    )
  }

  /** Of calls made together one asks. */
  #owed(service: Service, checked: CheckedProvider): Promise<bigint> {
    return this.#readings.run(service.provider.toLowerCase(), () => this.#read(service, checked))
  }

  /** Reads what lies at a provider. @returns what is owed there, neuron */
  async #read({ provider, url }: Service, { abilities }: CheckedProvider): Promise<bigint> {
    const account = await this.#account(provider)
    if (!account) return 0n
    const credential = await this.#tokens.get(provider, account.generation, abilities)
    const broker = new BrokerApi(this.#session.runtime, url)
    const owed = await broker.unsettledFee(account.user, credential).catch((error: unknown) => {
      throw ProviderFault.of(error)
    })
    this.#purse.remember(account, owed, this.#session.runtime.now())
    return smaller(owed, freeBalance(account))
  }

  /** Whether so much lies at a provider, neuron, that nothing has to be paid in or acknowledged first. */
  async hasMoney(provider: Address, amount: bigint): Promise<boolean> {
    const account = await this.#account(provider)
    return account?.acknowledged === true && freeBalance(account) >= amount
  }

  /** Of the account's tokens. */
  async generation(provider: Address): Promise<number> {
    const known = this.#purse.generation(provider, this.#session.runtime.now())
    if (known !== null) return known
    return (await this.#account(provider))?.generation ?? 0
  }

  async #account(provider: Address): Promise<Account | null> {
    const { address } = requireAccount(this.#session)
    const { inference } = await this.#session.connected()
    const { findAccount } = await import('../../chain/inference.ts')
    return findAccount(inference, address, provider)
  }

  /** Puts right what a provider refused a request for. @returns whether it may be sent again */
  async putRight(
    service: Service,
    checked: CheckedProvider,
    error: AppError,
    hooks: FundingHooks,
  ): Promise<boolean> {
    const { provider } = service
    if (error.status === 401) {
      this.#tokens.forget(provider)
      this.#purse.forget(provider)
      return true
    }
    if (await this.vouchers.isAboutSession(service, error)) {
      await this.cover(service, checked, hooks)
      return true
    }
    // What an earlier process read may be wrong: the chain is asked before anybody believes the broker.
    const isStale = error.status === 402 && this.#purse.isKept(provider)
    if (isStale || error.code === 'signer_not_acknowledged') {
      this.#purse.forget(provider)
      await this.cover(service, checked, hooks)
      return true
    }
    return error.status === 402 && this.#fillShortfall(service, checked, error, hooks)
  }

  /** The broker is asked once what it misses; more than twice what this client expects is not paid. */
  async #fillShortfall(
    service: Service,
    checked: CheckedProvider,
    error: AppError,
    hooks: FundingHooks,
  ): Promise<boolean> {
    const { provider } = service
    const shortfall = error.details?.shortfall
    if (typeof shortfall !== 'string' || !/^\d{1,30}$/.test(shortfall)) return false
    if (BigInt(shortfall) > 2n * this.#purse.underWay(provider)) return false
    const state = await (await this.#funding()).state(provider)
    const free = state.account ? freeBalance(state.account) : 0n
    this.#purse.forget(provider)
    const owed = await this.#owed(service, checked)
    // Others that are under way may be missing as much: each of them is asked about alone.
    const needed = () => larger(free + BigInt(shortfall), owed + this.#purse.underWay(provider))
    await this.#ensure(service, needed, hooks, 0n)
    this.#purse.forget(provider)
    return true
  }
}
