import { join } from 'node:path'
import type { Contract } from 'ethers'
import type { AppError } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import { Mutex } from '../base/mutex.ts'
import { ONE_0G } from '../base/units.ts'
import { hasBatches } from '../chain/batches.ts'
import { inferenceContract } from '../chain/inference.ts'
import { AccountBook } from './accounts.ts'
import type { BrokerOptions } from './brokerOptions.ts'
import { BrokerControl, unready } from './control.ts'
import type { EngineModel } from './engine/engine.ts'
import type { FineTuning } from './finetune/fineTuning.ts'
import { openLedger } from './ledger/openLedger.ts'
import { Metrics } from './metrics.ts'
import { followRate } from './prices/followRate.ts'
import { chatService, registerService, serviceTypeOf } from './registration.ts'
import { Admission } from './server/admit.ts'
import { Authenticator } from './server/authenticate.ts'
import { capabilitiesDocument, modelsDocument } from './server/documents.ts'
import { EngineClient } from './server/engineClient.ts'
import { Gate } from './server/gate.ts'
import { Limiter } from './server/limits/limiter.ts'
import { DEFAULT_LIMITS } from './server/limits/limits.ts'
import { Strangers } from './server/limits/strangers.ts'
import { assertCanListen } from './server/listen.ts'
import { Once } from './server/once.ts'
import { PriceBook } from './server/priceBook.ts'
import { QuoteDesk } from './server/quote.ts'
import { RequestSignatures } from './server/requestSignatures.ts'
import { BrokerServer } from './server/server.ts'
import { tlsKeyDigest } from './server/tls.ts'
import { adoptForgotten } from './settlement/adopt.ts'
import { firstSeqNow } from './settlement/epoch.ts'
import { Epochs } from './settlement/epochs.ts'
import { namePayee, sweep } from './settlement/payee.ts'
import { Settler } from './settlement/settler.ts'
import { ledgerKeyOf } from './tee/ledgerKey.ts'
import { claimSecondsOf, openVoucherDesk } from './vouchers/openVoucherDesk.ts'

export type { BrokerOptions, SettlementOptions } from './brokerOptions.ts'

export interface Broker {
  readonly url: string
  readonly port: number
  readonly provider: Address
  readonly settler: Settler
  /** Set while the contract's owner still has to acknowledge the signer. */
  readonly warning: AppError | null
  /** Figures and levers for the operator. */
  readonly control: BrokerControl
  readonly fineTuning: FineTuning | null
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
  const prices = new PriceBook(options.prices, options.rateFeed)
  const limits = options.limits ?? DEFAULT_LIMITS
  const { chainId, inference: contractAddress } = network
  const contract = inferenceContract(contractAddress, rpc)
  const undo: (() => Promise<unknown>)[] = []
  const stopAll = async () => {
    for (const stop of undo.splice(0).reverse()) await stop()
  }
  try {
    const batches = await hasBatches(contract)
    const database = options.database ?? `sqlite:${join(dataDir, 'ledger.sqlite')}`
    const ledger = await openLedger({
      database,
      rowKey: ledgerKeyOf(tee),
      ...(!batches && { firstSeq: await firstSeqNow(rpc) }),
      ...(options.now && { now: options.now }),
      ...(options.leaseMs !== undefined && { leaseMs: options.leaseMs }),
      log,
      chainId,
      contract: contractAddress,
      provider,
      signerKey: tee.signerKey,
    })
    undo.push(() => ledger.close())
    // An epoch is opened by who serves: it ends that of another broker.
    await assertCanListen(options.listen.host, options.listen.port)
    const isDevnet = network.kind === 'devnet'
    const pollMs = isDevnet ? DEVNET_POLL_MS : POLL_MS
    const { confirmations } = network
    const epochs = new Epochs({
      ...{ ledger, rpc, contract, operator, provider, chainId, confirmations, pollMs, log },
      signer: tee.signer,
      newEpoch: options.newEpoch ?? false,
    })
    await epochs.enter()
    undo.push(() => epochs.stop())
    const left = await ledger.recover()
    if (left.length) log.warn('charged_after_crash', { exchanges: left.length })

    const accounts = new AccountBook({
      rpc,
      contract,
      provider,
      log,
      pollMs,
      blocksOnDemand: isDevnet,
      onLeaving: (user) => settler.noteLeaving(user),
      onRevoked: (account) => void ledger.places?.noteRevocation(account).catch(() => {}),
      onSettled: (user, settled) => adoptForgotten(ledger, user, settled),
    })
    await accounts.start()
    undo.push(() => accounts.stop())
    const claimSeconds = claimSecondsOf(options.settlement?.intervalMs)
    const { credit = 0n } = options
    const voucherTerms = { rpc, contract, provider, chainId, ledger, credit, claimSeconds }
    const vouchers = await openVoucherDesk(tee, voucherTerms)

    const { payee, keep = ONE_0G, ...schedule } = options.settlement ?? {}
    const earnings = payee && { contract: contract.connect(operator) as Contract, operator, payee, keep, log }
    if (earnings) await namePayee(earnings)
    const settler = new Settler({
      ...schedule,
      ...(earnings && { afterRun: (report) => sweep(report, earnings) }),
      ledger,
      tee,
      operator,
      contract,
      chainId,
      confirmations,
      claimSeconds,
      accounts,
      pollMs,
      log,
    })
    const engineClient = new EngineClient(engine)
    undo.push(() => engineClient.close())
    const startedAt = Date.now()
    const limiter = new Limiter(limits, Date.now, ledger.places)
    const strangers = new Strangers(limits.strangers)
    const home = { provider, chainId, contract: contractAddress }
    metrics.watch({
      running: () => limiter.running,
      tokensInFlight: () => limiter.tokensInFlight,
      headAgeMs: () => Date.now() - accounts.headSeenAt,
      engineReady: () => engine.state === 'ready',
      unsettled: () => ledger.unsettled(settler.minimumFee),
    })
    const capabilities = capabilitiesDocument(tee, engine.models, credit)
    const tlsSpki = options.tls ? tlsKeyDigest(options.tls) : null
    const fineTuning = options.fineTuning
      ? await (await import('./finetune/fineTuning.ts')).openFineTuning({
          options: options.fineTuning,
          ...{ network, rpc, operator, tee, dataDir, database, capabilities, tlsSpki, strangers, log },
          trustProxy: limits.trustProxy,
        })
      : null
    if (fineTuning) {
      undo.push(() => fineTuning.stop())
      metrics.watchTasks(fineTuning)
    }
    const server = new BrokerServer({
      provider,
      prices,
      gate: new Gate({
        authenticator: new Authenticator(home),
        signatures: new RequestSignatures(home),
        accounts,
        strangers,
        limiter,
      }),
      limiter,
      once: new Once(tee.signerKey, ledger),
      admission: new Admission({
        ...{ provider, accounts, ledger, engine, vouchers },
        assertOpen: () => epochs.assertOpen(),
      }),
      epochs,
      engine,
      engineClient,
      ledger,
      tee,
      quotes: new QuoteDesk({
        tee,
        chainId,
        contract: contractAddress,
        provider,
        models: () => engine.models,
        tlsSpki,
        capabilities,
      }),
      onCharged: (user) => settler.noteCharge(user),
      models: () => modelsDocument(engine, prices, limiter.limits.user, provider, startedAt, vouchers),
      capabilities,
      unready: () => [
        ...unready({ engine, accounts, ledger }),
        ...(epochs.isOpening ? ['epoch_opening'] : []),
      ],
      // Clients of the present broker know no vouchers, and ours needs the figures of a refusal.
      errorStyle: vouchers ? 'openai' : (options.errorStyle ?? 'openai'),
      origins: options.origins,
      tls: options.tls,
      telemetry: metrics,
      fineTuning,
      ownModels: fineTuning?.ownModels ?? null,
      log,
    })
    const { port } = await server.listen(options.listen.host, options.listen.port)
    undo.push(() => server.drain(0))
    const url = options.publicUrl ?? `${options.tls ? 'https' : 'http'}://${options.listen.host}:${port}`
    const dearest = () => prices.dearest(engine.models.map(({ id }) => id))
    const registerNow = () => {
      const [{ id: model }] = engine.models as readonly [EngineModel]
      const type = serviceTypeOf(engine.models)
      const signer = vouchers ? null : tee.signer
      const params = chatService({ type, url, model, prices: dearest(), signer })
      return registerService({ contract, operator, params, log })
    }
    // One after another: beside one that is on its way, the chain still says what was before it.
    const registrations = new Mutex()
    const register = () => registrations.run(registerNow)
    const registration = await register()
    const unfollow = options.rateFeed && followRate(options.rateFeed, dearest, register, log)
    undo.push(async () => unfollow?.())
    await fineTuning?.register(url)
    settler.start()
    epochs.watch()
    await fineTuning?.start()
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
      fineTuning,
      async stop({ graceMs = DRAIN_MS } = {}) {
        fineTuning?.endStreams()
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
