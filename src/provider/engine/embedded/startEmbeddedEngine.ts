import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import type { EngineLogger } from '../engine.ts'
import { SupervisedEngine } from '../supervisedEngine.ts'
import type { LoadOptions } from './engineProcess.ts'
import { startHashed } from './startHashed.ts'
import { findWeights, type HashFiles, hashWeights } from './weights.ts'

export interface EmbeddedEngineOptions {
  /** A GGUF file, or the first of a split one. */
  readonly modelPath: string
  /** A LoRA adapter of that model, also in GGUF. */
  readonly adapterPath?: string
  /** The name that requests use; the file's name without `.gguf` by default. */
  readonly modelId?: string
  /** Tokens per request, prompt and answer; by default what the model was trained on, as far as memory allows. */
  readonly contextSize?: number
  /** Requests that are evaluated together; each holds a context of its own. Default 4. */
  readonly parallel?: number
  /** Requests that may wait beyond those before one is answered 503. Default 128. */
  readonly queueLimit?: number
  /** CPU threads; by default one less than there are cores, so that the broker keeps one. */
  readonly threads?: number
  /** Default `auto`: the GPU, where the machine has one that llama.cpp can use. */
  readonly gpu?: false | 'auto'
  /** How weights are hashed; default by reading them, each time. */
  readonly hash?: HashFiles
  readonly logger: EngineLogger
}

/**
 * Starts llama.cpp in a child process behind an OpenAI-compatible server on the loopback interface, and keeps it
 * running. Resolves when it answers.
 *
 * @throws AppError `model_not_found`, `model_invalid`, `engine_missing`, `engine_memory`, `engine_failed`
 * @example
 * const engine = await startEmbeddedEngine({ modelPath: 'models/demo/demo.gguf', logger })
 */
export async function startEmbeddedEngine(options: EmbeddedEngineOptions): Promise<SupervisedEngine> {
  const { modelPath, logger, hash = hashWeights } = options
  const weights = await findWeights(modelPath)
  const files =
    options.adapterPath === undefined ? weights : [...weights, ...(await findWeights(options.adapterPath))]
  const load: LoadOptions = {
    modelPath,
    adapterPath: options.adapterPath,
    modelId: options.modelId ?? basename(modelPath).replace(/(-00001-of-\d{5})?\.gguf$/i, ''),
    contextSize: options.contextSize,
    parallel: options.parallel ?? 4,
    queueLimit: options.queueLimit ?? 128,
    threads: options.threads ?? Math.max(1, availableParallelism() - 1),
    gpu: options.gpu ?? 'auto',
  }
  return SupervisedEngine.start('embedded', () => startHashed(load, files, hash), logger)
}
