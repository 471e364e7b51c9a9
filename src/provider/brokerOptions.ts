import type { JsonRpcApiProvider, Signer } from 'ethers'
import type { Address } from '../base/hex.ts'
import type { Logger } from '../base/log.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import type { Engine } from './engine/engine.ts'
import type { FineTuningOptions } from './finetune/options.ts'
import type { RateFeed } from './prices/rateFeed.ts'
import type { ErrorStyle } from './server/errorBody.ts'
import type { Limits } from './server/limits/limits.ts'
import type { PriceOptions } from './server/priceBook.ts'
import type { TlsIdentity } from './server/tls.ts'
import type { Tee } from './tee/tee.ts'

export interface BrokerOptions {
  readonly network: NetworkProfile
  readonly rpc: JsonRpcApiProvider
  /** The provider's account, connected to `rpc`. Registers the service and settles. */
  readonly operator: Signer
  readonly engine: Engine
  readonly tee: Tee
  readonly listen: { readonly host: string; readonly port: number }
  /** What is registered on chain; default the address that it listens on. */
  readonly publicUrl?: string
  /** Where `ledger.sqlite` lives. */
  readonly dataDir: string
  /** `postgres://…` for any number of replicas; default SQLite in the data folder. */
  readonly database?: string
  /** PostgreSQL: a replica that is silent for longer counts as gone, ms. Default 30 s. */
  readonly leaseMs?: number
  /** Neuron per token. */
  readonly prices: PriceOptions
  /** For prices in dollars that fix no rate. Its owner's, like the engine. */
  readonly rateFeed?: RateFeed
  /** Default `DEFAULT_LIMITS`. */
  readonly limits?: Limits
  /** `compat` answers errors as the network's present broker does. */
  readonly errorStyle?: ErrorStyle
  /** Whose pages may read answers; default: all. */
  readonly origins?: readonly string[]
  /** Ends TLS in this process; its key is bound into the evidence. */
  readonly tls?: TlsIdentity
  readonly settlement?: SettlementOptions
  /** Without a TEE: served to a payer beyond what its vouchers cover, neuron. Default nothing. */
  readonly credit?: bigint
  /** Fine-tunes as well, below `/finetune`. */
  readonly fineTuning?: FineTuningOptions
  /**
   * Go on from what the chain says, with a ledger that is missing or behind it. Needed where the contract has no
   * epochs; elsewhere it is seen, and done, without being told. @see Epochs
   */
  readonly newEpoch?: boolean
  /** The clock of receipts, ms. */
  readonly now?: () => number
  readonly log: Logger
}

export interface SettlementOptions {
  /** Between attempts, ms. Default 5 minutes. */
  readonly intervalMs?: number
  /** A transaction that is not mined for so long is replaced, ms. Default 30 seconds. */
  readonly bumpAfterMs?: number
  /** Users who owe less wait, neuron. Default 0.004 0G. */
  readonly minimumFee?: bigint
  /** A user who owes this much is settled at once, neuron. Default 0.1 0G. */
  readonly eagerFee?: bigint
  /** Where earnings go; default the provider's account. */
  readonly payee?: Address
  /** What the provider's account keeps for gas where earnings pass through it, neuron. Default 1 0G. */
  readonly keep?: bigint
}
