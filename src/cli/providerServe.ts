import { Wallet } from 'ethers'
import { toAppError } from '../base/errors.ts'
import { type Address, hexToBytes } from '../base/hex.ts'
import { fileLogger, type Logger } from '../base/log.ts'
import { format0GPerMillion, parse0G } from '../base/units.ts'
import { connect } from '../chain/rpc.ts'
import { startAdmin } from '../provider/admin/adminServer.ts'
import { type Broker, startBroker } from '../provider/broker.ts'
import type { ProviderConfig } from '../provider/config/config.ts'
import { DEFAULT_PRICES, limitsOf, pricesOf, rateFeedOf } from '../provider/config/resolve.ts'
import type { Engine } from '../provider/engine/engine.ts'
import { FINE_TUNING_PREFIX } from '../provider/finetune/api/isFineTuning.ts'
import { RateFeed } from '../provider/prices/rateFeed.ts'
import { readTlsIdentity } from '../provider/server/tls.ts'
import { openTee } from '../provider/tee/openTee.ts'
import { tellParent } from './devnet/provider.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import type { Input } from './framework/input.ts'
import { aboutBroker } from './provider/aboutBroker.ts'
import { fineTuningOf } from './provider/fineTuning.ts'
import { makeDataDir } from './provider/makeDataDir.ts'
import { owedThere } from './provider/owedThere.ts'
import { providerKey } from './provider/providerKey.ts'
import { type ProviderSettings, providerSettings } from './provider/settings.ts'
import { changeAdapters, startEngine } from './provider/startEngine.ts'
import { stopBroker } from './provider/stopBroker.ts'
import { weightHashes } from './provider/weightHashes.ts'

const DEFAULT_PORT = 3080

export const command: CommandDefinition = aboutBroker({
  options: [
    ['--engine <kind>', 'embedded (llama.cpp, the default), llama-server, vllm, transformers or url'],
    [
      '--model <path>',
      'GGUF file, or a folder with safetensors for vllm and transformers (default: the demo model)',
    ],
    ['--target <url>', 'OpenAI-compatible server for --engine url, e.g. http://127.0.0.1:8000/v1'],
    ['--host <address>', 'address to listen on (default 127.0.0.1)'],
    ['--port <port>', `port to listen on, 0 for any free one (default ${DEFAULT_PORT})`],
    ['--url <url>', 'public URL, registered on chain (default: where it listens)'],
    ['--price-input <0G>', `per million prompt tokens (default ${DEFAULT_PRICES.input})`],
    ['--price-output <0G>', `per million answer tokens (default ${DEFAULT_PRICES.output})`],
    ['--settle-interval <seconds>', 'between settlements (default 300)'],
    ['--settle-min <0G>', 'users who owe less wait (default 0.004)'],
    ['--tee <kind>', 'dstack, simulated, or none: paid by vouchers (default: dstack where its socket is)'],
    ['--credit <0G>', 'with --tee none, served to each payer beyond what its vouchers cover (default 0)'],
    ['--database <url>', 'postgres://… for several brokers behind a load balancer (default: SQLite)'],
    ['--new-epoch', 'go on from what the chain says when the ledger is lost or old'],
    ['--admin-port <port>', 'metrics and control on 127.0.0.1 (default 0: any free one)'],
    ['--finetune', 'train for customers as well (provider init --finetune installs what it takes)'],
    ['--trainer <kind>', 'local (a child process for each job) or ray'],
    ['--ray-address <url>', 'dashboard of a Ray cluster, for --trainer ray'],
    ['--compat', "answer errors as the network's present broker does: 400 and a text"],
  ],
  examples: [
    '0g-compute provider serve --model ./qwen2.5-0.5b.gguf',
    '0g-compute provider serve --engine url --target http://127.0.0.1:8000/v1 --port 3080',
    '0g-compute provider serve --config ./provider.yaml',
  ],
  notes:
    'Ctrl-C ends the answers in flight, settles, and stops; SIGHUP reads prices, limits and adapters again. Log lines on stderr are JSON and carry no contents.',
  async run(context, input) {
    try {
      await serve(context, input)
      return undefined
    } catch (thrown) {
      const error = await owedThere(
        toAppError(thrown),
        () => providerSettings(context, input, flagsOf(input)).database,
      )
      tellParent({ type: 'failed', error: error.toObject() })
      throw error
    }
  },
})

async function serve(outer: Context, input: Input): Promise<void> {
  const settings = providerSettings(outer, input, flagsOf(input))
  const { config, context, dataDir } = settings
  const { network, paths } = context
  makeDataDir(dataDir)
  const log = fileLogger(2, context.flags.quiet ? 'warn' : (config.log?.level ?? 'info'))
  const [prices, limits] = [pricesOf(config), limitsOf(config)]
  const fineTuning = fineTuningOf(config, context)
  const publicUrl = config.listen?.url
  const unlockedKey = await (await providerKey(context)).unlock()
  const tee = await openTee({
    ...config.tee,
    accountKey: async () => hexToBytes(unlockedKey),
    ...{ devnetDir: paths.devnet, network },
    ...(publicUrl && { url: publicUrl }),
  })
  const rpc = await connect(network)
  context.onClose(() => rpc.destroy())
  const operator = new Wallet(unlockedKey, rpc)
  const feed = rateFeedOf(config)
  const rateFeed = feed && (await RateFeed.start({ ...feed, log }))
  context.onClose(() => rateFeed?.stop())
  const engine = await startEngine(config, log, weightHashes(tee.kind, dataDir))
  context.onClose(() => engine.stop())
  const broker = await startBroker({
    network,
    rpc,
    operator,
    engine,
    tee,
    listen: { host: config.listen?.host ?? '127.0.0.1', port: config.listen?.port ?? DEFAULT_PORT },
    ...(publicUrl && { publicUrl }),
    ...(config.listen?.tls && { tls: readTlsIdentity(config.listen.tls) }),
    ...(config.database && { database: config.database }),
    newEpoch: input.flag('newEpoch'),
    dataDir,
    prices,
    ...(rateFeed && { rateFeed }),
    limits,
    ...(config.listen?.origins && { origins: config.listen.origins }),
    errorStyle: config.compat ? 'compat' : 'openai',
    settlement: settlementOf(config),
    credit: parse0G(config.settlement?.credit ?? '0'),
    ...(fineTuning && { fineTuning }),
    log,
  })
  let isServing = false
  context.onClose(() => (isServing ? stopBroker(context, input, broker, settings.database) : broker.stop()))
  const stopped = stoppable(context.signal)
  const admin = await startAdmin({
    control: broker.control,
    dataDir,
    port: config.admin?.port ?? 0,
    onStop: stopped.stop,
  })
  context.onClose(() => admin.stop())
  reloadOnHangup(broker, engine, settings, () => providerSettings(outer, input, flagsOf(input)).config, log)
  announce(context, broker, { metrics: `${admin.url}/metrics`, signer: tee.signer, assurance: tee.kind })
  isServing = true
  await stopped.done
}

function announce(
  { out }: Context,
  { url, provider, warning, control, fineTuning }: Broker,
  { metrics, signer, assurance }: { metrics: string; signer: string; assurance: string },
): void {
  const [first] = control.models()
  const { id: model, input, output } = first!
  tellParent({ type: 'ready', url, address: provider, model })
  const tuning = fineTuning && `${url}${FINE_TUNING_PREFIX}`
  out.result({ url, provider, signer, model, assurance, metrics, fineTuning: tuning }, (paint) =>
    [
      `Serving ${paint.bold(model)} at ${url}`,
      `  provider  ${provider}`,
      assurance === 'none'
        ? `  payment   by vouchers; without a TEE nothing proves an answer`
        : `  signer    ${signer}  ${paint.dim(assurance)}`,
      `  price     ${format0GPerMillion(input)} / ${format0GPerMillion(output)} 0G per million tokens in / out`,
      `  metrics   ${metrics}`,
      ...(tuning ? [`  training  ${tuning}`] : []),
    ].join('\n'),
  )
  if (warning) out.warn(`${warning.message}. ${warning.hint ?? ''}`)
}

/** The configuration as far as flags give it; what is undefined was not given. */
function flagsOf(input: Input): ProviderConfig {
  const flags = {
    engine: { kind: input.text('engine'), model: input.text('model'), target: input.text('target') },
    listen: { host: input.text('host'), port: input.integer('port'), url: input.text('url') },
    prices: { input: input.text('priceInput'), output: input.text('priceOutput') },
    settlement: {
      interval: input.integer('settleInterval', 1),
      minimum: input.text('settleMin'),
      credit: input.text('credit'),
    },
    tee: { kind: input.text('tee') },
    admin: { port: input.integer('adminPort') },
    finetune: {
      enabled: input.flag('finetune') || undefined,
      trainer: input.text('trainer'),
      rayAddress: input.text('rayAddress'),
    },
    database: input.text('database'),
    compat: input.flag('compat') || undefined,
  }
  return flags as ProviderConfig
}

const settlementOf = ({ settlement = {} }: ProviderConfig) => ({
  ...(settlement.interval !== undefined && { intervalMs: settlement.interval * 1000 }),
  ...(settlement.minimum !== undefined && { minimumFee: parse0G(settlement.minimum) }),
  ...(settlement.eager !== undefined && { eagerFee: parse0G(settlement.eager) }),
  ...(settlement.payee !== undefined && { payee: settlement.payee as Address }),
  ...(settlement.keep !== undefined && { keep: parse0G(settlement.keep) }),
})

/** SIGHUP reads the configuration again: prices, limits and adapters change, and a fault in it changes nothing. */
function reloadOnHangup(
  broker: Broker,
  engine: Engine,
  { context }: ProviderSettings,
  read: () => ProviderConfig,
  log: Logger,
): void {
  const reload = async () => {
    try {
      const config = read()
      const [prices, limits] = [pricesOf(config), limitsOf(config)]
      broker.control.changeLimits(limits)
      await broker.control.changePrices(prices)
      await changeAdapters(engine, config)
      log.info('reloaded')
    } catch (thrown) {
      const { code, message } = toAppError(thrown)
      log.error('reload_failed', { code, reason: message })
    }
  }
  const onHangup = () => void reload()
  process.on('SIGHUP', onHangup)
  context.onClose(() => void process.off('SIGHUP', onHangup))
}

/** Ends by Ctrl-C, SIGTERM or `provider stop`, whichever comes first. */
function stoppable(signal: AbortSignal): { readonly done: Promise<void>; readonly stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  else signal.addEventListener('abort', () => resolve(), { once: true })
  return { done: promise, stop: resolve }
}
