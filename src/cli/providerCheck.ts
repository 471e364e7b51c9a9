import { EXIT } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import { format0G, format0GPerMillion } from '../base/units.ts'
import { inferenceContract, listServices } from '../chain/inference.ts'
import { connect, type RpcProvider } from '../chain/rpc.ts'
import { pricesOf } from '../provider/config/resolve.ts'
import { trainerPython } from '../provider/finetune/trainer/installTrainer.ts'
import { findGpus } from '../provider/gpus.ts'
import type { TokenPrices } from '../provider/server/priceBook.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import {
  type Check,
  checkFolder,
  checkFunds,
  checkGpus,
  checkNode,
  checkPort,
  checkTee,
  checkTraining,
  engineCheck,
  rpcCheck,
} from './provider/checks.ts'
import { trainerFolder } from './provider/fineTuning.ts'
import { type Measured, measureEngine } from './provider/measure.ts'
import { providerKey } from './provider/providerKey.ts'
import { type ProviderSettings, providerSettings, SETTINGS_OPTIONS } from './provider/settings.ts'
import { startEngine } from './provider/startEngine.ts'

const DAY_SECONDS = 86_400

export const command: CommandDefinition = {
  options: [
    ['--engine <kind>', 'embedded or url'],
    ['--model <file>', 'GGUF for the embedded engine'],
    ['--target <url>', 'server for --engine url'],
    ...SETTINGS_OPTIONS,
  ],
  examples: ['0g-compute provider check', '0g-compute provider check --model ./qwen2.5-0.5b.gguf'],
  notes:
    'Looks at everything that provider serve needs, starts the engine once to measure it, and says what a fully used machine would earn a day. Sends no transaction.',
  async run(context, input) {
    const engine = { kind: input.text('engine'), model: input.text('model'), target: input.text('target') }
    const settings = providerSettings(context, input, { engine } as object)
    const progress = await context.out.progress('Checking')
    try {
      const { checks, estimate } = await checkAll(settings)
      progress.stop()
      context.out.result({ checks, estimate }, (paint) =>
        [
          ...checks.map(({ name, state, text }) => {
            const color = { pass: paint.green, warn: paint.yellow, fail: paint.red }[state]
            return `${color(state.toUpperCase().padEnd(4))}  ${name.padEnd(8)}  ${text}`
          }),
          ...(estimate ? ['', ...describe(estimate)] : []),
        ].join('\n'),
      )
      const worst = checks.find(({ state }) => state === 'fail')
      context.out.next(worst?.next ?? (worst ? '0g-compute provider check' : '0g-compute provider serve'))
      return worst ? EXIT.failed : undefined
    } finally {
      progress.stop()
    }
  },
}

interface Estimate extends Measured {
  readonly prices: TokenPrices
  /** Whose prices: the middle of the network's, or one's own where nobody else sells. */
  readonly pricesOf: 'network' | 'own'
  /** Neuron a day with every second used. */
  readonly perDay: bigint
}

async function checkAll(settings: ProviderSettings) {
  const { context, config, dataDir } = settings
  const { network } = context
  const rpc = await connect(network).catch((error: unknown) => ({ failure: error }))
  const isUp = !('failure' in rpc)
  if (isUp) context.onClose(() => rpc.destroy())
  const [gpus, port, funds, measured] = await Promise.all([
    findGpus(),
    checkPort(config.listen?.host ?? '127.0.0.1', config.listen?.port ?? 3080),
    isUp ? fundsOf(context, rpc) : [],
    measure(settings),
  ])
  const checks: Check[] = [
    checkNode(),
    checkGpus(gpus),
    measured.check,
    rpcCheck(network, isUp ? null : rpc.failure),
    ...funds,
    port,
    checkTee(network, config.listen?.url, config.tee),
    checkFolder(dataDir),
    ...trainingChecks(settings),
  ]
  const estimate = measured.result && (await estimateOf(measured.result, settings, isUp ? rpc : null))
  return { checks, estimate }
}

function trainingChecks({ config: { finetune }, context }: ProviderSettings): Check[] {
  if (!finetune?.enabled) return []
  return checkTraining(finetune.python ?? trainerPython(trainerFolder(context.paths)), finetune.workDir)
}

async function fundsOf(context: Context, rpc: RpcProvider): Promise<Check[]> {
  try {
    const { address } = await providerKey(context)
    return checkFunds(context.network, rpc, address)
  } catch {
    return [{ name: 'wallet', state: 'fail', text: 'no key for the provider', next: '0g-compute wallet new' }]
  }
}

async function measure({
  config,
  context,
}: ProviderSettings): Promise<{ check: Check; result: Measured | null }> {
  try {
    const engine = await startEngine(config, silentLogger)
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

async function estimateOf(
  measured: Measured,
  { config, context }: ProviderSettings,
  rpc: RpcProvider | null,
): Promise<Estimate> {
  const others = rpc
    ? await listServices(inferenceContract(context.network.inference, rpc)).catch(() => [])
    : []
  const own = pricesOf(config)
  const middle = (prices: bigint[]) => prices.sort((a, b) => (a < b ? -1 : 1))[Math.floor(prices.length / 2)]
  const input = middle(others.map((service) => service.inputPrice)) ?? own.input
  const output = middle(others.map((service) => service.outputPrice)) ?? own.output
  const daily = (perSecond: number, price: bigint) => BigInt(Math.floor(perSecond * DAY_SECONDS)) * price
  return {
    ...measured,
    prices: { input, output },
    pricesOf: others.length ? 'network' : 'own',
    perDay: daily(measured.promptTokensPerSecond, input) + daily(measured.tokensPerSecond, output),
  }
}

const describe = ({ prices, pricesOf: whose, perDay, tokensPerSecond }: Estimate): string[] => [
  `At ${whose === 'network' ? "the network's middle price" : 'your price'} of ${format0GPerMillion(prices.input)} / ${format0GPerMillion(prices.output)} 0G per million tokens`,
  `and ${tokensPerSecond.toFixed(1)} answer tokens/s, a day that is fully used earns about ${format0G(round(perDay))} 0G. Demand decides how much of it is.`,
]

/** To four digits after the point: it is an estimate. */
const round = (neuron: bigint): bigint => neuron - (neuron % 10n ** 14n)
