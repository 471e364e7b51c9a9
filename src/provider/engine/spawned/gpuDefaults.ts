import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { findGpus, type Gpu, visibleGpus } from '../../gpus.ts'
import type { SpawnedKind, SpawnedOptions } from './recipes.ts'

/** More than any model has. */
const ALL_LAYERS = 999
/** What a model takes beside its weights: its context, and what is computed on the way. A rule of thumb. */
const BESIDE_WEIGHTS = 1.2

/** Memory that a model takes when it runs, bytes: an estimate from its files. */
export async function memoryNeeded(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  return sizes.reduce((sum, size) => sum + size, 0) * BESIDE_WEIGHTS
}

/** Memory of GPUs together, bytes. */
export const memoryOf = (gpus: readonly Gpu[]): number =>
  gpus.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0) * 2 ** 20

/**
 * Has an engine use the machine's GPUs where its owner left that open: llama-server puts every layer on them when the
 * model fits (else it decides itself), vLLM shares the model among all of them. `transformers serve` chooses itself.
 */
export async function withGpus(
  kind: SpawnedKind,
  options: SpawnedOptions,
  files: readonly string[],
): Promise<SpawnedOptions> {
  const gpus = visibleGpus(await findGpus())
  if (gpus.length === 0) return options
  if (kind === 'llama-server' && options.gpuLayers === undefined)
    return (await memoryNeeded(files)) < memoryOf(gpus) ? { ...options, gpuLayers: ALL_LAYERS } : options
  const isOpen = options.tensorParallel === undefined && options.pipelineParallel === undefined
  if (kind === 'vllm' && isOpen && !options.ray)
    return { ...options, tensorParallel: await shares(options.model, gpus.length) }
  return options
}

/** The most GPUs that can share a model: vLLM gives each as many attention heads as the others. */
async function shares(model: string, gpus: number): Promise<number> {
  const config = await readFile(join(model, 'config.json'), 'utf8').catch(() => '')
  const heads = Number(/"num_attention_heads"\s*:\s*(\d+)/.exec(config)?.[1] ?? gpus)
  let count = gpus
  while (heads % count !== 0) count--
  return count
}
