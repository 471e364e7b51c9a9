import { join } from 'node:path'
import type { JsonRpcApiProvider, Signer } from 'ethers'
import type { AppError } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import type { Logger } from '../base/log.ts'
import { inferenceContract } from '../chain/inference.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import { signReceipt } from '../protocol/receipt.ts'
import { AccountBook } from './accounts.ts'
import { BrokerControl, unready } from './control.ts'
import type { Engine } from './engine/engine.ts'
import { openLedger } from './ledger/openLedger.ts'
import { Metrics } from './metrics.ts'
import { chatService, registerService } from './registration.ts'
import { Admission } from './server/admit.ts'
import { Authenticator } from './server/authenticate.ts'
import { capabilitiesDocument, modelsDocument } from './server/documents.ts'
import { EngineClient } from './server/engineClient.ts'
import type { ErrorStyle } from './server/errorBody.ts'
import { Gate } from './server/gate.ts'
import { Limiter } from './server/limits/limiter.ts'
import { DEFAULT_LIMITS, type Limits } from './server/limits/limits.ts'
import { Strangers } from './server/limits/strangers.ts'
import { Once } from './server/once.ts'
import { PriceBook, type PriceOptions } from './server/priceBook.ts'
import { QuoteDesk } from './server/quote.ts'
import { BrokerServer } from './server/server.ts'
import { type TlsIdentity, tlsKeyDigest } from './server/tls.ts'
import { assertCurrentEpoch, firstSeqNow } from './settlement/epoch.ts'
import { Settler } from './settlement/settler.ts'
import { ledgerKeyOf } from './tee/ledgerKey.ts'
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
  /** Default `DEFAULT_LIMITS`. */
  readonly limits?: Limits
  /** `compat` answers errors as the network's present broker does. */
  readonly errorStyle?: ErrorStyle
  /** Ends TLS in this process; its key is bound into the evidence. */
  readonly tls?: TlsIdentity
  readonly settlement?: SettlementOptions
  /** Go on from what the chain says, with a ledger that is missing or behind it. @see assertCurrentEpoch */
  readonly newEpoch?: boolean
  /** The clock of receipts, ms. */
  readonly now?: () => number
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
  readonly provider: Address
  readonly settler: Settler
  /** Set while the contract's owner still has to acknowledge the signer. */
  readonly warning: AppError | null
  /** Figures and levers for the operator. */
  readonly control: BrokerControl
  /** Stops accepting, lets answers in flight end (at most `graceMs`), settles, closes. The engine is its owner's. */
  stop(options?: { readonly graceMs?: number }): Promise<void>
}

const DRAIN_MS = 30_000
const DEVNET_POLL_MS = 200
const POLL_MS = 2000

/**
 * Starts the broker: ledger, accounts, server, registration, settlement, in this order, so that the chain names
 * an address only once it answers there.
 * @throws AppError of each part; nothing is left running
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { network, rpc, operator, engine, tee, dataDir } = options
  const provider = (await operator.getAddress()) as Address
  const metrics = new Metrics(provider)
  const log = metrics.counting(options.log)
  const prices = new PriceBook(options.prices)
  const limits = options.limits ?? DEFAULT_LIMITS
  const { chainId, inference: contractAddress } = network
  const contract = inferenceContract(contractAddress, rpc)
  const undo: (() => Promise<unknown>)[] = []
  const stopAll = async () => {
    for (const stop of undo.splice(0).reverse()) await stop()
  }
  try {
    const ledger = await openLedger({
      database: options.database ?? `sqlite:${join(dataDir, 'ledger.sqlite')}`,
      rowKey: ledgerKeyOf(tee),
      firstSeq: await firstSeqNow(rpc),
      ...(options.now && { now: options.now }),
      ...(options.leaseMs !== undefined && { leaseMs: options.leaseMs }),
      log,
      chainId,
      contract: contractAddress,
      provider,
      sign: (fields, detail) => signReceipt(tee.signerKey, chainId, contractAddress, fields, detail),
    })
    undo.push(() => ledger.close())
    const newEpoch = options.newEpoch ?? false
    await assertCurrentEpoch({ ledger, rpc, contract, provider, newEpoch, log })
    const left = await ledger.recover()
    if (left.length) log.warn('charged_after_crash', { exchanges: left.length })

    const isDevnet = network.kind === 'devnet'
    const accounts = new AccountBook({
      rpc,
      contract,
      provider,
      log,
      pollMs: isDevnet ? DEVNET_POLL_MS : POLL_MS,
      blocksOnDemand: isDevnet,
      onLeaving: (user) => settler.noteLeaving(user),
    })
    await accounts.start()
    undo.push(() => accounts.stop())

    const settler = new Settler({
      ...options.settlement,
      ledger,
      tee,
      operator,
      contract,
      chainId,
      confirmations: network.confirmations,
      accounts,
      pollMs: isDevnet ? DEVNET_POLL_MS : POLL_MS,
      log,
    })
    const engineClient = new EngineClient(engine)
    undo.push(() => engineClient.close())
    const startedAt = Date.now()
    const limiter = new Limiter(limits)
    const strangers = new Strangers(limits.strangers)
    const authenticator = new Authenticator(provider)
    metrics.watch({
      running: () => limiter.running,
      tokensInFlight: () => limiter.tokensInFlight,
      headAgeMs: () => Date.now() - accounts.headSeenAt,
      engineReady: () => engine.state === 'ready',
      unsettled: () => ledger.unsettled(),
    })
    const capabilities = capabilitiesDocument()
    const server = new BrokerServer({
      provider,
      prices,
      gate: new Gate({ authenticator, accounts, strangers, limiter }),
      limiter,
      once: new Once(tee.signerKey, ledger),
      admission: new Admission({ provider, accounts, ledger, engine }),
      engine,
      engineClient,
      ledger,
      tee,
      quotes: new QuoteDesk({
        tee,
        chainId,
        contract: contractAddress,
        provider,
        models: engine.models,
        tlsSpki: options.tls ? tlsKeyDigest(options.tls) : null,
        capabilities,
      }),
      onCharged: (user) => settler.noteCharge(user),
      models: () => modelsDocument(engine, prices, limiter.limits.user, provider, startedAt),
      capabilities,
      unready: () => unready(engine, accounts),
      errorStyle: options.errorStyle ?? 'openai',
      tls: options.tls,
      telemetry: metrics,
      log,
    })
    const { port } = await server.listen(options.listen.host, options.listen.port)
    undo.push(() => server.drain(0))
    const url = options.publicUrl ?? `${options.tls ? 'https' : 'http'}://${options.listen.host}:${port}`
    const register = () => {
      const dearest = prices.dearest(engine.models.map(({ id }) => id))
      const params = chatService({ url, model: engine.models[0]!.id, prices: dearest, signer: tee.signer })
      return registerService({ contract, operator, params, log })
    }
    const registration = await register()
    settler.start()
    const control = new BrokerControl({
      ...{
        provider,
        url,
        startedAt,
        engine,
        tee,
        accounts,
        limiter,
        strangers,
        prices,
        ledger,
        settler,
        metrics,
      },
      register,
    })
    return {
      url,
      port,
      provider,
      settler,
      warning: registration.warning,
      control,
      async stop({ graceMs = DRAIN_MS } = {}) {
        await server.drain(graceMs)
        await settler.stop()
        await stopAll()
      },
    }
  } catch (error) {
    await stopAll()
    throw error
  }
}
