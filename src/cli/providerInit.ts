import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { AppError, EXIT, toAppError } from '../base/errors.ts'
import type { ProviderConfig } from '../provider/config/config.ts'
import { loadConfig } from '../provider/config/load.ts'
import { DEFAULT_PRICES, pricesOf } from '../provider/config/resolve.ts'
import { renderConfig } from '../provider/config/template.ts'
import { problemsOf } from '../provider/config/validate.ts'
import { installTrainer } from '../provider/finetune/trainer/installTrainer.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import type { Input } from './framework/input.ts'
import { canAsk } from './framework/prompt.ts'
import { assertNetworkKnown } from './framework/selectNetwork.ts'
import { askForConfig } from './provider/askForConfig.ts'
import { findModel } from './provider/findModel.ts'
import { trainerFolder } from './provider/fineTuning.ts'
import { defaultConfigFile } from './provider/settings.ts'
import { isSpawned } from './provider/startEngine.ts'
import { withValues } from './provider/withValues.ts'

export const command: CommandDefinition = {
  args: [['[file]', 'where to write it (default: provider.yaml in the configuration folder)']],
  options: [
    ['--engine <kind>', 'embedded, llama-server, vllm, transformers or url'],
    ['--model <path>', 'GGUF file, or a folder with safetensors for vllm and transformers'],
    ['--target <url>', 'server for --engine url'],
    ['--host <address>', 'address to listen on'],
    ['--port <port>', 'port to listen on'],
    ['--url <url>', 'public URL'],
    ['--price-input <0G>', `per million prompt tokens (default ${DEFAULT_PRICES.input})`],
    ['--price-output <0G>', `per million answer tokens (default ${DEFAULT_PRICES.output})`],
    ['--tee <kind>', 'dstack, simulated, or none: paid by vouchers (default: dstack where its socket is)'],
    ['--data-dir <dir>', 'where the ledger lives'],
    [
      '--finetune',
      'install what fine-tuning takes (Python packages, some GB), and turn it on; in a file that is there too',
    ],
    ['--defaults', 'ask nothing'],
    ['--force', 'replace the file that is there'],
  ],
  examples: [
    '0g-compute provider init',
    '0g-compute provider init --finetune --defaults',
    '0g-compute provider init ./provider.yaml --engine url --target http://127.0.0.1:8000/v1',
  ],
  notes: 'On a terminal it asks for what no flag gives. Every other setting stands in the file as a comment.',
  async run(context, input) {
    const { out } = context
    const file = input.argument(0) ?? defaultConfigFile(context)
    const { network } = context.flags
    if (network) assertNetworkKnown(network, context.settings)
    const given = { ...fromFlags(input), ...(network && { network }) }
    if (existsSync(file) && !input.flag('force')) await addFineTuning(context, file, given)
    else await writeNew(context, input, file, given)
    out.next(`0g-compute provider check${input.argument(0) ? ` --config ${file}` : ''}`)
    return undefined
  },
}

async function writeNew(context: Context, input: Input, file: string, given: ProviderConfig): Promise<void> {
  const { out } = context
  const asks = canAsk() && !out.json && !input.flag('defaults')
  const config = withWholePath(asks ? await askForConfig(given) : given)
  assertValid(config)
  await assertModel(config)
  if (input.flag('finetune')) await install(context)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, renderConfig(config), { mode: 0o600 })
  out.result({ file, config }, () => `Wrote ${file}`)
}

/**
 * Turns fine-tuning on in a file that is there, and leaves the rest of it as it is.
 * @throws AppError `config_exists` when anything else was asked for
 */
async function addFineTuning(context: Context, file: string, given: ProviderConfig): Promise<void> {
  if (!isDeepStrictEqual(settingsIn(given), [['finetune', 'enabled']])) throw alreadyThere(file)
  const { out, env } = context
  const { finetune } = loadConfig({ file, env })
  // Who names a Python of their own has the packages in it.
  if (finetune?.python === undefined) await install(context)
  writeFileSync(file, withValues(readFileSync(file, 'utf8'), 'finetune', { enabled: true }))
  out.result({ file, config: loadConfig({ file, env: {} }) }, () => `Fine-tuning is on in ${file}`)
}

/** Where values stand in a configuration. */
const settingsIn = (config: object): string[][] =>
  Object.entries(config).flatMap(([name, value]) =>
    typeof value === 'object' ? settingsIn(value).map((path) => [name, ...path]) : [[name]],
  )

/** With every step shown: it takes minutes. */
async function install({ out, paths }: Context): Promise<void> {
  const progress = await out.progress('Looking for Python')
  await installTrainer(trainerFolder(paths), (title) => progress.update(title)).finally(() => progress.stop())
}

function fromFlags(input: Input): ProviderConfig {
  const sections = {
    engine: { kind: input.text('engine'), model: input.text('model'), target: input.text('target') },
    listen: { host: input.text('host'), port: input.integer('port'), url: input.text('url') },
    prices: { input: input.text('priceInput'), output: input.text('priceOutput') },
    tee: { kind: input.text('tee') },
    dataDir: input.text('dataDir'),
    finetune: { enabled: input.flag('finetune') || undefined },
  }
  return JSON.parse(JSON.stringify(sections)) as ProviderConfig
}

function assertValid(config: ProviderConfig): void {
  const problem = problemsOf(config).at(0)
  if (problem) throw invalid(`${problem.path.join('.')} ${problem.message}`)
  pricesOf(config)
  if (config.finetune?.enabled && config.tee?.kind === 'none')
    throw invalid('finetune.enabled takes a TEE, and tee.kind is none')
  const { kind = 'embedded', model, target } = config.engine ?? {}
  if (isSpawned(kind) && model === undefined) throw invalid('engine.model is missing')
  if (kind === 'url' && target === undefined) throw invalid('engine.target is missing')
}

const invalid = (message: string): AppError =>
  new AppError({
    code: 'config_invalid',
    message,
    hint: 'Nothing was written',
    next: '0g-compute provider init --help',
    exitCode: EXIT.usage,
  })

/** Whoever starts the broker may stand in another folder. */
function withWholePath(config: ProviderConfig): ProviderConfig {
  const { engine } = config
  return engine?.model === undefined
    ? config
    : { ...config, engine: { ...engine, model: resolve(engine.model) } }
}

/** @throws AppError `model_not_found`, `model_invalid` */
async function assertModel({ engine = {} }: ProviderConfig): Promise<void> {
  await findModel(engine).catch((thrown: unknown) => {
    const error = toAppError(thrown)
    const hint = `Nothing was written. ${error.hint ?? ''}`
    throw new AppError({
      ...error.toObject(),
      hint,
      next: '0g-compute provider init --help',
      exitCode: EXIT.usage,
    })
  })
}

const alreadyThere = (file: string): AppError =>
  new AppError({
    code: 'config_exists',
    message: `${file} is there already`,
    hint: 'Edit it, name another file, or replace it with --force. --finetune alone is added to it',
    next: `0g-compute provider check --config ${file}`,
    exitCode: EXIT.usage,
  })
