import type { Address } from '../base/hex.ts'
import type { AccountBook } from './accounts.ts'
import type { Engine } from './engine/engine.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { Metrics } from './metrics.ts'
import type { Registration } from './registration.ts'
import type { Limiter } from './server/limits/limiter.ts'
import type { Limits } from './server/limits/limits.ts'
import type { Strangers } from './server/limits/strangers.ts'
import type { PriceBook, PriceOptions, TokenPrices } from './server/priceBook.ts'
import type { SettlementReport } from './settlement/report.ts'
import type { Settler } from './settlement/settler.ts'
import type { Tee } from './tee/tee.ts'

/** Without a new head for this long a load balancer should send requests elsewhere, ms. */
const HEAD_OLD_MS = 60 * 1000

export interface ControlOptions {
  readonly provider: Address
  readonly url: string
  readonly startedAt: number
  readonly engine: Engine
  readonly tee: Tee
  readonly accounts: AccountBook
  readonly limiter: Limiter
  readonly strangers: Strangers
  readonly prices: PriceBook
  readonly ledger: Ledger
  readonly settler: Settler
  readonly metrics: Metrics
  /** Makes the chain say what is served now. */
  readonly register: () => Promise<Registration>
}

/** The state of a broker. Amounts as decimal strings in neuron, times in ms. */
export interface BrokerStatus {
  readonly provider: Address
  readonly url: string
  readonly signer: Address
  readonly assurance: Tee['kind']
  readonly upMs: number
  readonly ready: boolean
  readonly unready: readonly string[]
  readonly engine: { readonly kind: string; readonly state: string }
  readonly models: readonly { readonly id: string; readonly input: string; readonly output: string }[]
  readonly running: number
  readonly tokensInFlight: number
  readonly owed: string
  /** Of the oldest charge that is not paid, 0 when there is none. */
  readonly oldestOwedMs: number
  readonly headAgeMs: number
  /** That receipt numbers are of; null where the contract has none. */
  readonly epoch: number | null
}

/** Neuron per token. */
export type TokenPriceChanges = Partial<Pick<TokenPrices, 'input' | 'output'>>

/** What an operator can see and change while the broker runs. */
export class BrokerControl {
  readonly #options: ControlOptions

  constructor(options: ControlOptions) {
    this.#options = options
  }

  get metrics(): Metrics {
    return this.#options.metrics
  }

  /** What is sold, in neuron per token. */
  models(): ({ readonly id: string } & TokenPrices)[] {
    const { engine, prices } = this.#options
    return engine.models.map(({ id }) => ({ id, ...prices.of(id) }))
  }

  async status(now = Date.now()): Promise<BrokerStatus> {
    const { provider, url, tee, engine, accounts, limiter, ledger, startedAt } = this.#options
    const reasons = unready(this.#options, now)
    const { owed, oldestIssuedAt } = await ledger.unsettled()
    return {
      provider,
      url,
      signer: tee.signer,
      assurance: tee.kind,
      upMs: now - startedAt,
      ready: reasons.length === 0,
      unready: reasons,
      engine: { kind: engine.kind, state: engine.state },
      models: this.models().map(({ id, input, output }) => ({
        id,
        input: input.toString(),
        output: output.toString(),
      })),
      running: limiter.running,
      tokensInFlight: limiter.tokensInFlight,
      owed: owed.toString(),
      oldestOwedMs: oldestIssuedAt === null ? 0 : Math.max(0, now - oldestIssuedAt * 1000),
      headAgeMs: now - accounts.headSeenAt,
      epoch: (await ledger.numbers.epoch())?.epoch ?? null,
    }
  }

  settle(): Promise<SettlementReport> {
    return this.#options.settler.settleNow()
  }

  /**
   * New prices for requests from now on, and on chain. Dearer ones are in force before the chain says so: a
   * client that names the price it accepts is refused, never overcharged.
   */
  async changePrices(prices: PriceOptions): Promise<Registration> {
    this.#options.prices.change(prices)
    return this.#options.register()
  }

  /** New prices by the token, where no model has its own. All others stay in force. */
  changeTokenPrices(changes: TokenPriceChanges): Promise<Registration> {
    return this.changePrices({ ...this.prices, ...changes })
  }

  /** What is sold now, in neuron. */
  get prices(): PriceOptions {
    return this.#options.prices.options
  }

  /** Users who owe less wait for the next settlement, neuron. */
  get minimumFee(): bigint {
    return this.#options.settler.minimumFee
  }

  changeLimits(limits: Limits): void {
    this.#options.limiter.change(limits)
    this.#options.strangers.change(limits.strangers)
  }
}

/** Why requests should go elsewhere now. */
export function unready(
  { engine, accounts, ledger }: Pick<ControlOptions, 'engine' | 'accounts' | 'ledger'>,
  now = Date.now(),
): string[] {
  const reasons: string[] = []
  if (engine.state !== 'ready') reasons.push(`engine_${engine.state}`)
  if (now - accounts.headSeenAt > HEAD_OLD_MS) reasons.push('chain_stale')
  if (ledger.failure) reasons.push('ledger_failed')
  return reasons
}
