import type { Signer } from 'ethers'
import type { Logger } from '../base/log.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import type { Engine } from './engine/engine.ts'
import type { Tee } from './tee/tee.ts'

export interface BrokerOptions {
  readonly network: NetworkProfile
  /** The provider's account, connected to the network's RPC. Registers the service and settles. */
  readonly operator: Signer
  readonly engine: Engine
  readonly tee: Tee
  readonly listen: { readonly host: string; readonly port: number }
  /** What is registered on chain; default `http://<host>:<port>`. */
  readonly publicUrl?: string
  /** Where `ledger.sqlite` lives. */
  readonly dataDir: string
  /** Neuron per token. */
  readonly prices: { readonly input: bigint; readonly output: bigint }
  /** Registered default model; default the engine's first. */
  readonly model?: string
  readonly settlement?: SettlementOptions
  readonly log: Logger
}

export interface SettlementOptions {
  /** Between attempts, ms. Default 5 minutes. */
  readonly intervalMs?: number
  /** Users who owe less wait, neuron. Default 0.004 0G. */
  readonly minimumFee?: bigint
  /** A user who owes this much is settled at once, neuron. Default 0.1 0G. */
  readonly eagerFee?: bigint
}

export interface Broker {
  readonly url: string
  readonly port: number
  /** Stops accepting, lets answers in flight end (at most `graceMs`), settles, closes. */
  stop(options?: { readonly graceMs?: number }): Promise<void>
}
