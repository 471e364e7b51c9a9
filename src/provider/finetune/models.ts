import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Hex } from '../../base/hex.ts'
import { PREDEFINED_MODELS } from '../../protocol/finetune/fee.ts'
import type { TrainingMethod } from '../../protocol/finetune/spec.ts'
import type { FineTuneModel, ModelFile } from '../../protocol/finetune/terms.ts'

/** A base model as it is configured. */
export interface ModelOptions {
  readonly name: string
  /** Folder with `config.json`, the tokenizer and the weights as safetensors. */
  readonly path: string
  /** The same model for llama.cpp: what its adapters are served on. */
  readonly gguf?: string
  readonly description?: string
  /** Multiplies the price per token; whole. Default 1, or what the network has for the name. */
  readonly coefficient?: number
  /** Neuron a task. Default 0, or what the network has for the name. */
  readonly storageFee?: bigint
}

/** A base model that is offered. */
export interface TunableModel {
  readonly name: string
  readonly hash: Hex
  readonly path: string
  readonly gguf: string | null
  readonly coefficient: number
  readonly storageFee: bigint
  readonly document: FineTuneModel
}

/** What a client needs to count tokens as the trainer does, as far as a model has them. */
const SHARED_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'config.json',
  'generation_config.json',
  'chat_template.jinja',
  'special_tokens_map.json',
]
const METHODS: readonly TrainingMethod[] = ['lora', 'full']

/**
 * Reads and hashes the models that are offered.
 * @throws AppError `base_model_invalid`
 */
export async function loadModels(
  models: readonly ModelOptions[],
  hasGpu: boolean,
): Promise<readonly TunableModel[]> {
  return Promise.all(models.map((model) => loadModel(model, hasGpu)))
}

async function loadModel(options: ModelOptions, hasGpu: boolean): Promise<TunableModel> {
  const { name, path, gguf } = options
  const predefined = PREDEFINED_MODELS.find((model) => model.name === name)
  const config = await readConfig(path)
  const files = await sharedFiles(path)
  const hash = predefined?.hash ?? (await contentHash(path))
  const coefficient = options.coefficient ?? predefined?.coefficient ?? 1
  const storageFee = options.storageFee ?? predefined?.storageFee ?? 0n
  const contextLength = Number(config.max_position_embeddings)
  return {
    name,
    hash,
    path,
    gguf: gguf !== undefined && existsSync(gguf) ? gguf : null,
    coefficient,
    storageFee,
    document: {
      name,
      hash,
      image: '',
      dataType: 'text',
      trainingScript: '',
      description: options.description ?? `${name}: LoRA and full fine-tuning`,
      tokenizer: predefined?.tokenizer ?? name,
      coefficient,
      storageFee: storageFee.toString(),
      methods: hasGpu ? [...METHODS, 'qlora'] : METHODS,
      ...(Number.isSafeInteger(contextLength) && { contextLength }),
      files,
    },
  }
}

/** A model's own name: its configuration, tokenizer and weights. */
async function contentHash(path: string): Promise<Hex> {
  const names = (await readdir(path)).filter(
    (name) => name === 'config.json' || name === 'tokenizer.json' || name.endsWith('.safetensors'),
  )
  const hash = createHash('sha256')
  for (const name of names.sort()) hash.update(`${name} ${await sha256Of(join(path, name))}\n`)
  return `0x${hash.digest('hex')}`
}

async function sharedFiles(path: string): Promise<ModelFile[]> {
  const there = SHARED_FILES.filter((name) => existsSync(join(path, name)))
  return Promise.all(
    there.map(async (name) => ({
      name,
      bytes: (await stat(join(path, name))).size,
      sha256: await sha256Of(join(path, name)),
    })),
  )
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

async function readConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const names = await readdir(path)
    if (!names.some((name) => name.endsWith('.safetensors'))) throw new Error('it has no safetensors')
    if (!names.includes('tokenizer.json')) throw new Error('it has no tokenizer.json')
    return JSON.parse(await readFile(join(path, 'config.json'), 'utf8'))
  } catch (cause) {
    throw new AppError({
      code: 'base_model_invalid',
      message: `${path} is no model that can be trained: ${cause instanceof Error ? cause.message : cause}`,
      hint: 'Name a folder with config.json, tokenizer.json and the weights as safetensors, as models are published',
      next: '0g-compute provider check',
      exitCode: EXIT.usage,
      cause,
    })
  }
}
