import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Wallet } from 'ethers'
import { AppError, EXIT, toAppError } from '../base/errors.ts'
import { jsonLogger, type Logger } from '../base/log.ts'
import { format0GPerMillion, parse0G } from '../base/units.ts'
import { connect } from '../chain/rpc.ts'
import { startBroker } from '../provider/broker.ts'
import type { Engine } from '../provider/engine/engine.ts'
import { openSimulatedTee } from '../provider/tee/simulated.ts'
import { tellParent } from './devnet/provider.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import type { Input } from './framework/input.ts'

const DEMO_MODEL = fileURLToPath(new URL('../../models/demo/demo.gguf', import.meta.url))
const DEFAULT_PORT = 3080
/** 0G per million tokens. */
const DEFAULT_PRICES = { input: '0.05', output: '0.2' }

export const command: CommandDefinition = {
  options: [
    ['--engine <kind>', 'embedded (llama.cpp, the default) or url'],
    ['--model <file>', 'GGUF for the embedded engine (default: the demo model)'],
    ['--target <url>', 'OpenAI-compatible server for --engine url, e.g. http://127.0.0.1:8000/v1'],
    ['--host <address>', 'address to listen on (default 127.0.0.1)'],
    ['--port <port>', `port to listen on, 0 for any free one (default ${DEFAULT_PORT})`],
    ['--url <url>', 'public URL, registered on chain (default: where it listens)'],
    ['--price-input <0G>', `per million prompt tokens (default ${DEFAULT_PRICES.input})`],
    ['--price-output <0G>', `per million answer tokens (default ${DEFAULT_PRICES.output})`],
    ['--data-dir <dir>', 'where the ledger lives'],
    ['--settle-interval <seconds>', 'between settlements (default 300)'],
    ['--settle-min <0G>', 'users who owe less wait (default 0.004)'],
  ],
  examples: [
    '0g-compute provider serve --model ./qwen2.5-0.5b.gguf',
    '0g-compute provider serve --engine url --target http://127.0.0.1:8000/v1 --port 3080',
  ],
  notes:
    'Ctrl-C ends the answers in flight, settles, and stops. Log lines on stderr are JSON and carry no contents.',
  async run(context, input) {
    try {
      await serve(context, input)
      return undefined
    } catch (thrown) {
      const error = toAppError(thrown)
      tellParent({ type: 'failed', error: error.toObject() })
      throw error
    }
  },
}

async function serve(context: Context, input: Input): Promise<void> {
  const { out, network, paths, signal } = context
  const log = jsonLogger((line) => process.stderr.write(line), context.flags.quiet ? 'warn' : 'info')
  const dataDir = input.text('dataDir') ?? join(paths.state, 'provider', network.name)
  const prices = {
    input: perToken(input.text('priceInput') ?? DEFAULT_PRICES.input),
    output: perToken(input.text('priceOutput') ?? DEFAULT_PRICES.output),
  }
  const publicUrl = input.text('url')
  const tee = openSimulatedTee({ dir: paths.devnet, network, ...(publicUrl && { url: publicUrl }) })
  const rpc = await connect(network)
  context.onClose(() => rpc.destroy())
  const operator = new Wallet(await (await providerKey(context)).unlock(), rpc)
  const engine = await startEngine(input, log)
  context.onClose(() => engine.stop())

  const interval = input.integer('settleInterval', 1)
  const minimumFee = input.amount('settleMin')
  const broker = await startBroker({
    network,
    rpc,
    operator,
    engine,
    tee,
    listen: { host: input.text('host') ?? '127.0.0.1', port: input.integer('port') ?? DEFAULT_PORT },
    ...(publicUrl && { publicUrl }),
    dataDir,
    prices,
    settlement: {
      ...(interval !== undefined && { intervalMs: interval * 1000 }),
      ...(minimumFee !== undefined && { minimumFee }),
    },
    log,
  })
  context.onClose(() => broker.stop())
  const model = engine.models[0]!.id
  tellParent({ type: 'ready', url: broker.url, address: broker.provider, model })
  const ready = { url: broker.url, provider: broker.provider, signer: tee.signer, model, assurance: tee.kind }
  out.result(ready, (paint) =>
    [
      `Serving ${paint.bold(model)} at ${broker.url}`,
      `  provider  ${broker.provider}`,
      `  signer    ${tee.signer}  ${paint.dim(tee.kind)}`,
      `  price     ${format0GPerMillion(prices.input)} / ${format0GPerMillion(prices.output)} 0G per million tokens in / out`,
    ].join('\n'),
  )
  if (broker.warning) out.warn(`${broker.warning.message}. ${broker.warning.hint ?? ''}`)
  await aborted(signal)
}

/** On a devnet the provider's account is there already; elsewhere it is the wallet. */
async function providerKey(context: Context) {
  const { devnet, network, env } = context
  if (devnet && network.kind === 'devnet' && !env.ZG_PRIVATE_KEY && !context.flags.wallet) {
    return { unlock: async () => devnet.accounts.provider.privateKey }
  }
  return context.key()
}

async function startEngine(input: Input, log: Logger): Promise<Engine> {
  const kind = input.text('engine') ?? 'embedded'
  if (kind === 'url') {
    const target = input.text('target')
    if (!target) throw usage('--engine url needs --target', 'Name the server, e.g. http://127.0.0.1:8000/v1')
    const { attachUrlEngine } = await import('../provider/engine/url/attachUrlEngine.ts')
    return attachUrlEngine({ target, logger: log })
  }
  if (kind !== 'embedded') throw usage(`There is no engine "${kind}"`, 'Engines: embedded, url')
  const modelPath = input.text('model') ?? DEMO_MODEL
  if (!existsSync(modelPath))
    throw usage(`There is no model at ${modelPath}`, 'Name a GGUF file with --model')
  const { startEmbeddedEngine } = await import('../provider/engine/embedded/startEmbeddedEngine.ts')
  return startEmbeddedEngine({ modelPath, logger: log })
}

/** Neuron per token from 0G per million tokens. @throws AppError `price_too_fine` */
function perToken(text: string): bigint {
  const perMillion = parse0G(text)
  if (perMillion % 1_000_000n === 0n) return perMillion / 1_000_000n
  throw usage(
    `${text} 0G per million tokens is no whole number of neuron per token`,
    'Use at most 12 decimals',
  )
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

const usage = (message: string, hint: string): AppError =>
  new AppError({
    code: 'usage',
    message,
    hint,
    next: '0g-compute provider serve --help',
    exitCode: EXIT.usage,
  })
