import { mkdirSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import type { JsonRpcApiProvider, Signer } from 'ethers'
import type { Address } from '../../base/hex.ts'
import type { Logger } from '../../base/log.ts'
import { Mutex } from '../../base/mutex.ts'
import { chainTimeSeconds } from '../../chain/clock.ts'
import { fineTuningContract } from '../../chain/fineTuning.ts'
import type { NetworkProfile } from '../../chain/networks.ts'
import { hasTaskEscrow } from '../../chain/taskEscrow.ts'
import { sealedFileBytes } from '../../protocol/finetune/sealedFile.ts'
import { findGpus, type Gpu } from '../gpus.ts'
import { RowSeal } from '../ledger/seal.ts'
import { lockLedger } from '../ledger/sqlite/lock.ts'
import type { Gate } from '../server/gate.ts'
import type { OwnModels } from '../server/inference.ts'
import type { Strangers } from '../server/limits/strangers.ts'
import { QuoteDesk } from '../server/quote.ts'
import { ledgerKeyOf } from '../tee/ledgerKey.ts'
import type { Tee } from '../tee/tee.ts'
import { AdapterDesk } from './adapters/adapterDesk.ts'
import { AdapterStore } from './adapters/adapterStore.ts'
import { serveAdapters } from './api/adapters.ts'
import type { FineTuningDesk } from './api/desk.ts'
import { FINE_TUNING_PREFIX, isAboutAdapters } from './api/isFineTuning.ts'
import { serveFineTuning } from './api/serve.ts'
import { DeployedChain } from './chain/deployedChain.ts'
import { EscrowChain } from './chain/escrowChain.ts'
import { type FineTuningRegistration, registerFineTuning } from './chain/register.ts'
import { TaskSender } from './chain/taskSender.ts'
import { DatasetDesk } from './datasets.ts'
import { nodeId, prepareWorkDir, sweepDatasets, sweepFolders } from './housekeeping.ts'
import { fineTuningTee, KeyRing } from './keys.ts'
import { loadModels } from './models.ts'
import type { FineTuningOptions } from './options.ts'
import { DatasetStore } from './store/datasetStore.ts'
import { openDatabase } from './store/openDatabase.ts'
import { TaskStore } from './store/taskStore.ts'
import { termsOf } from './terms.ts'
import { unpackConverters } from './trainer/converters.ts'
import { openTrainer } from './trainer/openTrainer.ts'
import { Slots } from './trainer/queue.ts'
import { slotsOf } from './trainer/slotsOf.ts'
import { Vault } from './vault.ts'
import { TaskWorker } from './worker/taskWorker.ts'
import type { Workshop } from './workshop.ts'

export interface FineTuningParts {
  readonly options: FineTuningOptions
  readonly network: NetworkProfile
  readonly rpc: JsonRpcApiProvider
  readonly operator: Signer
  readonly tee: Tee
  /** The broker's. */
  readonly dataDir: string
  /** `sqlite:<file>` or `postgres://…`, brought up to date by the ledger. */
  readonly database: string
  /** What the broker can do, for `GET /v1/capabilities`. */
  readonly capabilities: object
  readonly tlsSpki: string | null
  readonly strangers: Strangers
  readonly trustProxy: boolean
  readonly log: Logger
}

/** The part of a broker that fine-tunes. */
export interface FineTuning {
  /** Answers what `isFineTuning` says is for it. */
  serve(req: IncomingMessage, res: ServerResponse, gate: Gate): Promise<void>
  /** Models of customers, each for its owner alone. */
  readonly ownModels: OwnModels
  /** Makes the chain name this service. @param url the broker's own */
  register(url: string): Promise<FineTuningRegistration>
  /** Takes up the tasks that are open. */
  start(): Promise<void>
  /** Tasks by state. */
  counts(): Promise<{ state: string; tasks: number }[]>
  readonly slots: Slots
  readonly isolation: readonly string[]
  /** Ends the answers to those who follow a task, which would go on as long as it does. */
  endStreams(): void
  stop(): Promise<void>
}

/** Whoever reaches them has the enclave's keys, or the machine. */
const SOCKETS = ['/var/run/dstack.sock', '/var/run/tappd.sock', '/var/run/docker.sock']
const SWEEP_MS = 3_600_000
const DEVNET_POLL_MS = 300
const POLL_MS = 5000
const MAX_ACK_SECONDS = 48 * 3600
const GB = 1e9

/**
 * Opens fine-tuning in a broker whose ledger is open.
 * @throws AppError `no_memory_folder`, `base_model_invalid`, `trainer_missing`, `ray_unreachable`, `ledger_locked`
 */
export async function openFineTuning(parts: FineTuningParts): Promise<FineTuning> {
  const dir = join(parts.dataDir, 'finetune')
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const lock = lockLedger(join(dir, 'node'))
  const database = openDatabase(parts.database)
  const close = async () => {
    await database.destroy()
    lock.release()
  }
  try {
    return await openOn(dir, database, close, parts)
  } catch (error) {
    await close()
    throw error
  }
}

async function openOn(
  dir: string,
  database: ReturnType<typeof openDatabase>,
  close: () => Promise<void>,
  parts: FineTuningParts,
): Promise<FineTuning> {
  const { options, network, rpc, operator, dataDir, log } = parts
  const { limits } = options
  const provider = (await operator.getAddress()) as Address
  const tee = fineTuningTee(parts.tee)
  const contract = fineTuningContract(network.fineTuning, rpc)
  const identity = { chainId: network.chainId, contract: network.fineTuning, provider }
  const seal = new RowSeal(ledgerKeyOf(tee), identity)
  const store = new TaskStore(database, seal)
  const keys = new KeyRing(tee)
  const vault = new Vault(dir)
  const node = nodeId(dir)
  const datasets = new DatasetDesk({
    store: new DatasetStore(database, seal),
    vault,
    keys,
    node,
    datasetKey: tee.signerKey,
    maxBytes: sealedFileBytes(limits.datasetBytes),
  })
  const [gpus, hasEscrow, lockSeconds, converters] = await Promise.all([
    findGpus(),
    hasTaskEscrow(contract),
    contract.getFunction('lockTime').staticCall() as Promise<bigint>,
    unpackConverters(options.python, options.cacheDir),
    vault.prepare(),
  ])
  const models = await loadModels(options.models, gpus.length > 0)
  const workDir = prepareWorkDir(options, dataDir)
  const trainer = await openTrainer({
    options,
    hide: [dataDir, ...SOCKETS, ...(options.hide ?? [])],
    readable: [...models.map(({ path }) => path), ...(converters ? [converters.llamaCpp] : [])],
  })
  const slots = new Slots(slotsOf(gpus.length, options))
  const ackSeconds = options.ackSeconds ?? Math.min(MAX_ACK_SECONDS, Number(lockSeconds) / 2)
  const sender = new TaskSender(contract, operator, log)
  const chainOptions = {
    rpc,
    contract,
    sender,
    chainId: network.chainId,
    address: network.fineTuning,
    provider,
    signerKey: tee.signerKey,
    signer: tee.signer,
  }
  const escrow = new EscrowChain(chainOptions)
  const deployed = new DeployedChain({ ...chainOptions, ackSeconds })
  const shop: Workshop = {
    node,
    store,
    datasets,
    stores: options.stores ?? {},
    vault,
    keys,
    trainer,
    slots,
    models,
    workDir,
    tee,
    prices: options.prices,
    limits,
    converters,
    chainOf: (task) => (task.order ? escrow : deployed),
    chainTime: () => chainTimeSeconds(rpc),
    isServed: (task) => adapters.isServed(task),
    pollMs: network.kind === 'devnet' ? DEVNET_POLL_MS : POLL_MS,
    log,
    now: Date.now,
  }
  const adapters = new AdapterDesk(shop, new AdapterStore(database, seal))
  const worker = new TaskWorker(shop, options.onState)
  const closing = new AbortController()
  const capabilities = {
    ...parts.capabilities,
    finetune: termsOf(shop, options),
  }
  const trained = models.map(({ name, hash }) => ({ id: name, digest: hash.slice(2) }))
  const desk: FineTuningDesk = {
    shop,
    worker,
    network,
    provider,
    contract,
    hasEscrow,
    quotes: new QuoteDesk({
      tee,
      chainId: network.chainId,
      contract: network.fineTuning,
      provider,
      models: () => trained,
      capabilities,
      tlsSpki: parts.tlsSpki,
    }),
    capabilities,
    scratch: options.scratch ?? true,
    ackSeconds,
    strangers: parts.strangers,
    trustProxy: parts.trustProxy,
    servedAs: (id) => adapters.servedAs(id),
    turn: new Mutex(),
    closing: closing.signal,
  }
  // Before anybody can ask for anything: what is begun for a request is none of what a crash left.
  await sweepFolders(shop)
  const sweep = () => void sweepDatasets(shop).catch(() => log.warn('finetune_sweep_failed'))
  const timer = setInterval(sweep, SWEEP_MS).unref()
  return {
    slots,
    isolation: trainer.isolation,
    ownModels: adapters,
    serve: (req, res, gate) =>
      isAboutAdapters(req.url ?? '')
        ? serveAdapters(req, res, adapters, gate)
        : serveFineTuning(req, res, desk),
    register: (url) => {
      const names = models.map(({ name }) => name)
      const params = {
        url: `${url}${FINE_TUNING_PREFIX}`,
        quota: quotaOf(gpus),
        pricePerToken: options.prices.perToken,
        occupied: false,
        models: names,
        teeSignerAddress: tee.signer,
      }
      return registerFineTuning(contract, operator, params, log)
    },
    counts: () => store.counts(),
    async start() {
      sweep()
      await adapters.start()
      await worker.start()
      log.info('finetune_ready', {
        models: models.length,
        slots: slots.size,
        gpus: gpus.length,
        mode: trainer.kind,
        reason: trainer.isolation.join(', '),
      })
    },
    endStreams: () => closing.abort(),
    async stop() {
      clearInterval(timer)
      closing.abort()
      await worker.stop()
      await adapters.stop()
      await rmdir(workDir).catch(() => undefined)
      await close()
    },
  }
}

const quotaOf = (gpus: readonly Gpu[]) => ({
  cpuCount: BigInt(availableParallelism()),
  nodeMemory: BigInt(Math.round(totalmem() / GB)),
  gpuCount: BigInt(gpus.length),
  nodeStorage: 0n,
  gpuType: gpus[0]?.name ?? '',
})
