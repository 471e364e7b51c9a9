import { EXIT, toAppError } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import { parse0G } from '../base/units.ts'
import { inferenceContract, listServices } from '../chain/inference.ts'
import { connect, type RpcProvider } from '../chain/rpc.ts'
import type { ProviderConfig } from '../provider/config/config.ts'
import { pricesOf, rateFeedOf } from '../provider/config/resolve.ts'
import { trainerPython } from '../provider/finetune/trainer/installTrainer.ts'
import { findGpus, visibleGpus } from '../provider/gpus.ts'
import { RateFeed } from '../provider/prices/rateFeed.ts'
import { PriceBook } from '../provider/server/priceBook.ts'
import { DEFAULT_MINIMUM_FEE } from '../provider/settlement/settler.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { aboutBroker, alike } from './provider/aboutBroker.ts'
import {
  BROKER,
  type Check,
  checkBroker,
  checkFolder,
  checkFunds,
  checkNode,
  checkOwed,
  checkPort,
  checkTee,
  checkTraining,
  engineCheck,
  rpcCheck,
} from './provider/checks.ts'
import { describeEstimate, estimate } from './provider/estimate.ts'
import { trainerFolder } from './provider/fineTuning.ts'
import { checkCpu, checkGpus, checkMemory, checkModels } from './provider/machine.ts'
import { marketPrices } from './provider/market.ts'
import { type Measured, measureEngine } from './provider/measure.ts'
import { providerKey } from './provider/providerKey.ts'
import { type ProviderSettings, providerSettings } from './provider/settings.ts'
import { startEngine } from './provider/startEngine.ts'
import { weightHashes } from './provider/weightHashes.ts'

/** Percent of a day. */
const USED = 20

export const command: CommandDefinition = aboutBroker({
  options: [
    ['--engine <kind>', 'embedded, llama-server, vllm, transformers or url'],
    ['--model <path>', 'GGUF file, or a folder with safetensors for vllm and transformers'],
    ['--target <url>', 'server for --engine url'],
    ['--used <percent>', `share of a day that is sold, for the lower estimate (default ${USED})`],
  ],
  examples: ['0g-compute provider check', '0g-compute provider check --model ./qwen2.5-0.5b.gguf'],
  notes:
    'Looks at the machine and at everything that provider serve needs, starts the engine once to measure it, and estimates what a day would earn: at the median of what others on this network ask for the same model or one of its size, and at your own prices. Sends no transaction.',
  async run(context, input) {
    const engine = { kind: input.text('engine'), model: input.text('model'), target: input.text('target') }
    const settings = providerSettings(context, input, { engine } as object)
    const progress = await context.out.progress('Checking')
    try {
      const used = Math.min(input.integer('used', 1) ?? USED, 100)
      const { checks, estimate } = await checkAll(settings, used)
      progress.stop()
      context.out.report({ checks, estimate }, (paint) =>
        [
          ...checks.map(({ name, state, text }) => {
            const color = { pass: paint.green, warn: paint.yellow, fail: paint.red }[state]
            return `${color(state.toUpperCase().padEnd(4))}  ${name.padEnd(8)}  ${text}`
          }),
          ...(estimate ? ['', ...describeEstimate(estimate, settings.context.network.name)] : []),
        ].join('\n'),
      )
      context.out.next(alike(context, input, nextAfter(checks)))
      return checks.some(({ state }) => state === 'fail') ? EXIT.failed : undefined
    } finally {
      progress.stop()
    }
  },
})

/** What repairs the first fault; without one, what comes next. */
function nextAfter(checks: readonly Check[]): string {
  const worst = checks.find(({ state }) => state === 'fail')
  if (worst) return worst.next ?? '0g-compute provider check'
  const isServing = checks.some(({ name }) => name === BROKER)
  return isServing ? '0g-compute provider status' : '0g-compute provider serve'
}

async function checkAll(settings: ProviderSettings, usedPercent: number) {
  const { context, config, dataDir, database } = settings
  const { network } = context
  const { minimum } = config.settlement ?? {}
  const rpc = await connect(network).catch((error: unknown) => ({ failure: error }))
  const isUp = !('failure' in rpc)
  if (isUp) context.onClose(() => rpc.destroy())
  const gpus = visibleGpus(await findGpus())
  const models = await checkModels(config, gpus)
  const [port, funds, measured] = await Promise.all([
    checkPort(config.listen?.host ?? '127.0.0.1', config.listen?.port ?? 3080),
    isUp ? fundsOf(context, rpc) : [],
    models.some(({ state }) => state === 'fail') ? notStarted() : measure(settings),
  ])
  const checks: Check[] = [
    ...[checkNode(), checkCpu(), checkMemory(), checkGpus(gpus), ...models],
    measured.check,
    rpcCheck(network, isUp ? null : rpc.failure),
    ...funds,
    port,
    checkTee(network, config.listen?.url, config.tee),
    checkFolder(dataDir),
    ...checkBroker(dataDir),
    ...(await checkOwed(database, minimum === undefined ? DEFAULT_MINIMUM_FEE : parse0G(minimum))),
    ...trainingChecks(settings),
  ]
  const { result } = measured
  if (!result) return { checks, estimate: null }
  const prices = {
    market: isUp ? await marketOf(settings, rpc, result) : null,
    own: await ownPrices(config, result),
  }
  return { checks, estimate: estimate(result, prices, usedPercent) }
}

function trainingChecks({ config: { finetune }, context }: ProviderSettings): Check[] {
  if (!finetune?.enabled) return []
  return checkTraining(finetune.python ?? trainerPython(trainerFolder(context.paths)), finetune.workDir)
}

async function fundsOf(context: Context, rpc: RpcProvider): Promise<Check[]> {
  try {
    const { address } = await providerKey(context)
    return checkFunds(context.network, rpc, address)
  } catch (error) {
    const { message, next = '0g-compute wallet new' } = toAppError(error)
    return [{ name: 'wallet', state: 'fail', text: message, next }]
  }
}

async function measure({
  config,
  context,
  dataDir,
}: ProviderSettings): Promise<{ check: Check; result: Measured | null }> {
  try {
    // What is hashed here is served by nobody: the cache serves a start that follows.
    const engine = await startEngine(config, silentLogger, weightHashes('none', dataDir))
    context.onClose(() => engine.stop())
    const result = await measureEngine(engine)
    const models = engine.models.map(({ id, contextLength }) => `${id} (context ${contextLength})`).join(', ')
    const speed = result
      ? `, ${result.tokensPerSecond.toFixed(1)} tokens/s with ${result.atOnce} requests at once`
      : ''
    return { check: engineCheck(null, `${engine.kind}: ${models}${speed}`), result }
  } catch (error) {
    return { check: engineCheck(error, ''), result: null }
  }
}

const notStarted = () => ({
  check: engineCheck(new Error('It was not started: the model does not fit'), ''),
  result: null,
})

async function marketOf({ context }: ProviderSettings, rpc: RpcProvider, { model }: Measured) {
  const services = await listServices(inferenceContract(context.network.inference, rpc)).catch(() => [])
  const own = await providerKey(context).then(
    ({ address }) => address,
    () => null,
  )
  return marketPrices(services, own, model)
}

/** Null for prices in dollars while nobody says what a dollar is. */
async function ownPrices(config: ProviderConfig, { model }: Measured) {
  const feed = rateFeedOf(config)
  const rateFeed = feed && (await RateFeed.start({ ...feed, log: silentLogger }).catch(() => null))
  try {
    return new PriceBook(pricesOf(config), rateFeed ?? undefined).of(model)
  } catch {
    return null
  } finally {
    rateFeed?.stop()
  }
}
