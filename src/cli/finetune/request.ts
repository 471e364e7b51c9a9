import { AppError, EXIT } from '../../base/errors.ts'
import type { TrainRequest } from '../../client/finetune/plan.ts'
import type { ParameterValue, TrainingParameters } from '../../protocol/finetune/parameters.ts'
import { DATASET_FORMATS, DATASET_PLACES, TRAINING_METHODS } from '../../protocol/finetune/spec.ts'
import type { Context } from '../framework/context.ts'
import type { OptionSpec } from '../framework/definition.ts'
import { parseDuration } from '../framework/duration.ts'
import type { Input } from '../framework/input.ts'
import { readInputFile, readJsonFile } from '../framework/readInput.ts'
import { acceptsIncomplete, VERIFICATION_OPTIONS } from '../framework/verification.ts'

/** What `finetune create` and `train create` have in common. */
export const TRAIN_OPTIONS: readonly OptionSpec[] = [
  ['--dataset <file>', 'JSONL, CSV or Parquet'],
  ['--format <name>', `${DATASET_FORMATS.join(', ')} (default: by the file's name)`],
  ['--columns <map>', 'columns of CSV and Parquet, e.g. instruction=question,output=answer'],
  ['--provider <address>', 'who trains (default: the cheapest that can)'],
  ['--epochs <count>', 'passes over the dataset'],
  ['--learning-rate <number>', 'highest learning rate'],
  ['--batch-size <count>', 'rows at a time'],
  ['--max-steps <count>', 'stop after so many steps'],
  ['--param <list>', "any of the trainer's, e.g. lora_rank=16,warmup_ratio=0.1"],
  ['--params <file>', 'a JSON file of them'],
  ['--seed <number>', 'the same seed, the same model'],
  ['--chat-template <file>', "chatml, or a Jinja template in place of the model's"],
  ['--max-fee <0G>', 'send nothing when it would cost more'],
  ['--train-within <time>', 'delivered in so long, or everything goes back, e.g. 6h'],
  ['--acknowledge-within <time>', 'how long you can reject the delivery'],
  ['--place <name>', `how the dataset gets there: ${DATASET_PLACES.join(', ')} (default: upload, sealed)`],
  ['--public', 'with --place: not sealed, anyone can read it'],
  ['--indexer <url>', 'with --place 0g-storage: another indexer'],
  ['--folder <path>', 'with --place local: where it is kept'],
  ['--out <folder>', 'where the model goes'],
  ['--wait', 'go on until the model lies there, decrypted'],
  ['--dry-run', 'shows tokens, fee, deadlines and terms'],
  ...VERIFICATION_OPTIONS,
]

/** Reads everything but the model. @throws AppError for what an option does not take */
export function readTrainRequest(context: Context, input: Input): Omit<TrainRequest, 'model'> {
  const maxFee = input.amount('maxFee')
  const provider = input.address('provider')
  const seed = input.integer('seed')
  const template = input.text('chatTemplate')
  const out = input.text('out')
  const place = oneOf(input, 'place', DATASET_PLACES)
  const trainWithin = seconds(input, 'trainWithin')
  const acknowledgeWithin = seconds(input, 'acknowledgeWithin')
  return {
    dataset: datasetOf(input),
    parameters: parametersOf(input),
    acceptIncomplete: acceptsIncomplete(context.settings),
    ...(provider && { provider }),
    ...(maxFee !== undefined && { maxFee }),
    ...(seed !== undefined && { seed }),
    ...(template !== undefined && { chatTemplate: templateOf(template) }),
    ...(place && { place }),
    ...(input.flag('public') && { isPublic: true }),
    ...(out !== undefined && { output: out }),
    ...(trainWithin !== undefined && { trainWithinSeconds: trainWithin }),
    ...(acknowledgeWithin !== undefined && { acknowledgeWithinSeconds: acknowledgeWithin }),
  }
}

/** What keeps the dataset where it does not go to the provider itself. @throws AppError `no_storage_here` */
export async function storeOf(
  context: Context,
  input: Input,
  { place = 'upload' }: Pick<TrainRequest, 'place'>,
): Promise<Pick<TrainRequest, 'store'>> {
  if (place === 'upload') return {}
  if (place === 'local') {
    const { localStore } = await import('../../storage/stores/localStore.ts')
    return { store: localStore(input.text('folder') ?? `${context.paths.state}/storage`) }
  }
  const [{ indexerOf, zgStore }, { JsonRpcProvider, Wallet }, key] = await Promise.all([
    import('../../storage/stores/zgStore.ts'),
    import('ethers'),
    context.key(),
  ])
  const { name, rpcUrls } = context.network
  const [indexer, rpc] = [input.text('indexer') ?? indexerOf(name), rpcUrls[0]!]
  const signer = new Wallet(await key.unlock(), new JsonRpcProvider(rpc))
  return { store: zgStore({ indexer, rpc, signer }) }
}

/** How the model is trained. */
export const methodOf = (input: Input) => oneOf(input, 'method', TRAINING_METHODS)

export function datasetOf(input: Input): TrainRequest['dataset'] {
  const path = input.text('dataset')
  if (path === undefined) throw missing('dataset')
  const format = oneOf(input, 'format', DATASET_FORMATS)
  const columns = input.text('columns')
  const tokenizer = input.text('tokenizer')
  return {
    path,
    ...(format && { format }),
    ...(columns !== undefined && { columns: Object.fromEntries(pairs('columns', columns)) }),
    ...(tokenizer !== undefined && { tokenizer }),
  }
}

/** Parameters of a file, then of `--param`, then those with options of their own. */
function parametersOf(input: Input): TrainingParameters {
  const file = input.text('params')
  const list = input.text('param')
  const own: readonly (readonly [string, string])[] = [
    ['epochs', 'num_train_epochs'],
    ['learningRate', 'learning_rate'],
    ['batchSize', 'per_device_train_batch_size'],
    ['maxSteps', 'max_steps'],
  ]
  return {
    ...(file !== undefined && (readJsonFile(file) as TrainingParameters)),
    ...(list !== undefined &&
      Object.fromEntries(pairs('param', list).map(([name, value]) => [name, parameterValue(value)]))),
    ...Object.fromEntries(
      own.flatMap(([option, name]) => {
        const value = input.text(option)
        return value === undefined ? [] : [[name, parameterValue(value)]]
      }),
    ),
  }
}

/** A number, true or false, or else the text: which of them a parameter takes is checked later. */
function parameterValue(text: string): ParameterValue {
  if (text === 'true' || text === 'false') return text === 'true'
  const number = Number(text)
  return text.trim() !== '' && Number.isFinite(number) ? number : text
}

function pairs(option: string, text: string): [string, string][] {
  return text.split(',').map((part) => {
    const at = part.indexOf('=')
    if (at <= 0) throw optionInvalid(option, text, 'name=value, several with commas')
    return [part.slice(0, at).trim(), part.slice(at + 1).trim()]
  })
}

const templateOf = (value: string): string =>
  value === 'chatml' ? value : readInputFile(value).toString('utf8')

function seconds(input: Input, name: string): number | undefined {
  const text = input.text(name)
  return text === undefined ? undefined : Math.floor(parseDuration(text) / 1000)
}

function oneOf<T extends string>(input: Input, name: string, values: readonly T[]): T | undefined {
  const value = input.text(name)
  if (value === undefined || values.includes(value as T)) return value as T | undefined
  throw optionInvalid(name, value, values.join(', '))
}

/** @param command that it is missing of */
export const missing = (option: string, command = 'finetune create'): AppError =>
  new AppError({
    code: 'usage',
    message: `--${option} is missing`,
    next: option === 'model' ? '0g-compute finetune models' : `0g-compute ${command} --help`,
    exitCode: EXIT.usage,
  })

const optionInvalid = (name: string, value: string, expected: string): AppError =>
  new AppError({
    code: 'option_invalid',
    message: `--${name} takes ${expected}, not "${value}"`,
    hint: 'See the help of the command',
    exitCode: EXIT.usage,
  })
