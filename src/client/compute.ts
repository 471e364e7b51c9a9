import { isUnattested } from '../attestation/signers.ts'
import { AppError, EXIT } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import { type Account, findAccount, type Service } from '../chain/inference.ts'
import { type LedgerMinimums, readMinimums } from '../chain/ledger.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import type { Answer } from './answer.ts'
import { BrokerApi } from './brokerApi.ts'
import { abilitiesOf } from './capabilities/abilitiesOf.ts'
import { memoryCapabilityStore } from './capabilities/capabilityStore.ts'
import type { ComputeOptions } from './computeOptions.ts'
import type { FineTuning } from './finetune/fineTuning.ts'
import { Funding, type FundingHooks, type FundingResult } from './funding/funding.ts'
import type { FundingPlan } from './funding/fundingPlan.ts'
import { type FundStatus, readFundStatus } from './funding/fundStatus.ts'
import {
  Withdrawal,
  type WithdrawHooks,
  type WithdrawOptions,
  type WithdrawResult,
} from './funding/withdraw.ts'
import { chat, type InferenceHooks, type InferenceRequest } from './inference.ts'
import { ApiKeys } from './keys/apiKeys.ts'
import { memoryKeyInventory } from './keys/memoryKeyInventory.ts'
import type { Transcription, TranscriptionRequest } from './media/transcribe.ts'
import { getProvider, listModels, listOffers, listProviders, type Offer } from './offers.ts'
import { onChain } from './onChain.ts'
import { once } from './once.ts'
import { type OpenAiOptions, type OpenAiSettings, openAiSettings } from './openai.ts'
import { assertNotRejected, type CheckedProvider, checkProvider } from './providerCheck.ts'
import { type Purchase, type PurchaseHooks, type PurchaseRequest, Purchases } from './purchase/purchases.ts'
import { type Audit, type AuditOptions, auditReceipts } from './receipts/audit.ts'
import type { Contradiction } from './receipts/contradiction.ts'
import { Dispute, type DisputeHooks, type DisputeOptions, type DisputeResult } from './receipts/dispute.ts'
import type { StoredReceipt } from './receipts/receiptStore.ts'
import { Catalogue } from './routing/catalogue.ts'
import { ProviderHealth } from './routing/providerHealth.ts'
import { Router } from './routing/router.ts'
import { type BuyerAccount, requireAccount, type Session } from './session.ts'
import { SessionTokens } from './tokens.ts'

/**
 * The 0G Compute Network for a buyer: who sells what, money, answers, receipts.
 *
 * Made by `openCompute` in Node. Amounts are neuron. Every failure is an `AppError` with a stable code.
 *
 * @example
 * const compute = await openCompute({ network, account, stateDir })
 * const answer = await compute.infer(
 *   { messages: [{ role: 'user', content: 'What is the 0G network?' }] },
 *   { approve: (plan) => plan.deposit <= parse0G('1') },
 * )
 * if (answer.verdict.outcome !== 'accepted') throw new Error('not what was paid for')
 */
export class Compute {
  readonly network: NetworkProfile
  /** Persistent API keys for OpenAI clients that talk to a broker directly. */
  readonly keys: ApiKeys
  readonly #session: Session
  readonly #tokens: SessionTokens
  readonly #funding: Funding
  readonly #health = new ProviderHealth()
  readonly #catalogue: Catalogue
  readonly #router: Router
  readonly #purchases: Purchases
  readonly #finetune: FineTuning | null

  constructor({
    network,
    rpc,
    runtime,
    receipts,
    keys,
    capabilities,
    vouchers,
    cache,
    policy,
    finetune,
    account,
    turn,
  }: ComputeOptions) {
    this.network = network
    const session = {
      network,
      runtime,
      receipts,
      capabilities: capabilities ?? memoryCapabilityStore(),
      ...(policy && { policy }),
      ...(vouchers && { vouchers }),
      ...(cache && { cache }),
      account: account ? unlockedOnce(account) : null,
      ...(turn && { turn }),
    }
    this.#session = onChain(session, rpc)
    this.#tokens = new SessionTokens(this.#session)
    this.keys = new ApiKeys(this.#session, keys ?? memoryKeyInventory(), this.#tokens)
    this.#funding = new Funding(this.#session)
    this.#finetune = finetune?.(this.#session, this.#tokens) ?? null
    const servedBy = async (adapter: string) => (await this.#finetune?.servedBy(adapter)) ?? null
    this.#catalogue = new Catalogue(this.#session, this.#health, servedBy)
    this.#router = new Router(this.#session, this.#catalogue, this.#health)
    this.#purchases = new Purchases(this.#session, async () => this.#funding, this.#tokens, this.#router)
  }

  /** Fine-tuning and training. @throws AppError `state_folder_needed` where there are no files to keep */
  get finetune(): FineTuning {
    if (this.#finetune) return this.#finetune
    throw new AppError({
      code: 'state_folder_needed',
      message: 'Fine-tuning keeps files, and this client has no folder for them',
      hint: 'Make it with openCompute({ stateDir }) in Node',
      exitCode: EXIT.usage,
    })
  }

  /** Registered services, cheapest first. */
  providers(): Promise<Service[]> {
    return listProviders(this.#session)
  }

  /** @throws AppError `provider_unknown` */
  provider(address: Address): Promise<Service> {
    return getProvider(this.#session, address)
  }

  /** What every provider that answers sells, cheapest first. */
  models(): Promise<Offer[]> {
    return listModels(this.#session)
  }

  /** What an answer would be bought of where nothing is said. @throws AppError `no_provider` and others */
  async cheapest(): Promise<Offer> {
    const preferences = { sort: 'price' } as const
    return (await this.#router.route({ needs: { kind: 'chat' }, preferences }))[0]!
  }

  /** What can be bought now, as routing knows it: read a moment ago at most. */
  offered(): Promise<Offer[]> {
    return this.#catalogue.all()
  }

  /**
   * Settings that make the official OpenAI client pay for, authenticate and verify what it asks.
   *
   * An answer that contradicts its proof fails: a stream at its end, before it says that it is over.
   * @example
   * const openai = new OpenAI(await compute.openai({ model, budget: parse0G('1') }))
   */
  async openai(options?: OpenAiOptions): Promise<OpenAiSettings> {
    requireAccount(this.#session)
    return openAiSettings(this, options)
  }

  /** What one provider sells. @throws AppError `provider_unreachable`, `provider_slow` */
  offers(service: Service): Promise<Offer[]> {
    return listOffers(this.#session, service)
  }

  /** What stands behind a provider's key. */
  checkProvider(service: Service): Promise<CheckedProvider> {
    return checkProvider(this.#session, service)
  }

  /** The user's sub-account at a provider, or null. */
  account(provider: Address): Promise<Account | null> {
    return findAccount(this.#session.inference, requireAccount(this.#session).address, provider)
  }

  /**
   * An answer whose text comes as it is made: iterate for the text; the generator's return value is the answer
   * with its verdict.
   */
  chat(request: InferenceRequest, hooks?: InferenceHooks): AsyncGenerator<string, Answer> {
    return chat(this.#purchases, request, hooks)
  }

  /**
   * A paid answer to a request of any endpoint, as its bytes come: what `openai` and the local proxy are made of.
   */
  buy(request: PurchaseRequest, hooks?: PurchaseHooks): Promise<Purchase> {
    return this.#purchases.buy(request, hooks)
  }

  /** A whole answer with its verdict. The verdict may be `rejected`: look at it before using the text. */
  async infer(request: InferenceRequest, hooks?: InferenceHooks): Promise<Answer> {
    const chat = this.chat(request, hooks)
    for (;;) {
      const { done, value } = await chat.next()
      if (done) return value
    }
  }

  /** What a recording says, with its verdict. The verdict may be `rejected`: look at it before using the text. */
  async transcribe(request: TranscriptionRequest, hooks?: PurchaseHooks): Promise<Transcription> {
    const { transcribe } = await import('./media/transcribe.ts')
    return transcribe(this.#purchases, request, hooks)
  }

  /** Least deposit and transfer that the chain takes, neuron. */
  minimums(): Promise<LedgerMinimums> {
    return readMinimums(this.#session.ledger)
  }

  /** Puts money into the ledger. @throws AppError `deposit_too_small`, `insufficient_funds`, `funding_needed` */
  deposit(amount: bigint, hooks: FundingHooks): Promise<FundingResult> {
    return this.#funding.deposit(amount, hooks)
  }

  /**
   * Makes sure that `amount` neuron are free at a provider and its signer is acknowledged. No transaction when
   * that is so.
   * @throws AppError those of `deposit`, and `provider_rejected` for a signer whose evidence is wrong
   */
  async ensureFunds(provider: Address, amount: bigint, hooks: FundingHooks): Promise<FundingResult> {
    await this.#assertMayAcknowledge(provider)
    return this.#funding.ensure(provider, () => amount, hooks)
  }

  /** What `ensureFunds`, or `deposit` without a provider, would send. */
  planFunds(provider: Address | null, amount: bigint): Promise<FundingPlan> {
    return provider ? this.#funding.plan(provider, amount) : this.#funding.planDeposit(amount)
  }

  /** Every place where the user's money can be. @param askProviders what is owed; needs the key */
  async fundStatus({ askProviders }: { readonly askProviders: boolean }): Promise<FundStatus> {
    const tasks = (await this.#finetune?.tasks()) ?? []
    return readFundStatus(this.#session, tasks, askProviders ? this.#unsettled : undefined)
  }

  /** Brings money back to the wallet; may be interrupted and called again. */
  withdraw(options: WithdrawOptions, hooks?: WithdrawHooks): Promise<WithdrawResult> {
    return new Withdrawal(this.#session, options, hooks).run()
  }

  /** Receipts kept for this user, of one provider or of all, oldest first. */
  async receipts(provider?: Address): Promise<StoredReceipt[]> {
    const { network, receipts } = this.#session
    const user = requireAccount(this.#session).address
    const owner = { chainId: network.chainId, contract: network.inference, user }
    const accounts = provider ? [{ ...owner, provider }] : await receipts.accounts(owner)
    const lists = await Promise.all(accounts.map((account) => receipts.list(account)))
    return lists.flat().sort((a, b) => a.signed.receipt.issuedAt - b.signed.receipt.issuedAt)
  }

  /** Receipts against the chain; what no receipt explains is named. */
  audit(options?: AuditOptions): Promise<Audit> {
    return auditReceipts(this.#session, this.#tokens, options)
  }

  /** Claims on the stake of a provider whose signer contradicted itself, and collects; may be called again. */
  dispute(
    contradiction: Contradiction,
    options?: DisputeOptions,
    hooks?: DisputeHooks,
  ): Promise<DisputeResult> {
    return new Dispute(this.#session, contradiction, hooks).run(options)
  }

  async close(): Promise<void> {
    this.#session.rpc.destroy()
    await this.#session.runtime.close()
  }

  async #assertMayAcknowledge(provider: Address): Promise<void> {
    const [account, service] = await Promise.all([this.account(provider), this.provider(provider)])
    if (account?.acknowledged || isUnattested(service)) return
    assertNotRejected(await this.checkProvider(service), service)
  }

  readonly #unsettled = async (provider: Address, url: string): Promise<bigint> => {
    const account = await this.account(provider)
    const abilities = await abilitiesOf(this.#session, { provider, url })
    const credential = await this.#tokens.get(provider, account?.generation ?? 0, abilities)
    return new BrokerApi(this.#session.runtime, url).unsettledFee(
      requireAccount(this.#session).address,
      credential,
    )
  }
}

/** A wallet asks for its password once, and again where that was wrong. */
const unlockedOnce = (account: BuyerAccount): BuyerAccount => ({ ...account, signer: once(account.signer) })
