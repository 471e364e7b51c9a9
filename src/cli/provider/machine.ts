import { availableParallelism, cpus, freemem, totalmem } from 'node:os'
import { basename } from 'node:path'
import type { ConfiguredEngine, ProviderConfig } from '../../provider/config/config.ts'
import { findWeights } from '../../provider/engine/embedded/weights.ts'
import { memoryNeeded, memoryOf, withGpus } from '../../provider/engine/spawned/gpuDefaults.ts'
import { filesOfModel } from '../../provider/engine/spawned/modelFiles.ts'
import type { Gpu } from '../../provider/gpus.ts'
import { type Check, fail, pass, warn } from './checks.ts'
import { DEMO_MODEL, enginesOf, isSpawned } from './startEngine.ts'

export function checkCpu(): Check {
  const cores = availableParallelism()
  return pass('cpu', `${cpus()[0]?.model.trim() || process.arch}, ${cores} ${cores === 1 ? 'core' : 'cores'}`)
}

export const checkMemory = (): Check => pass('ram', `${gib(memory())} GiB, ${gib(freemem())} GiB free`)

/** What a container may take, or what the machine has, bytes. */
const memory = (): number => Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem())

export function checkGpus(gpus: readonly Gpu[]): Check {
  if (gpus.length === 0) return warn('gpu', 'none found; the engine computes on the CPU')
  return pass('gpu', gpus.map(({ name, memoryMiB }) => `${name}, ${gib(memoryMiB * 2 ** 20)} GiB`).join('; '))
}

/** Whether each model that is to be loaded here fits, by its files. What somebody else runs is not looked at. */
export async function checkModels(config: ProviderConfig, gpus: readonly Gpu[]): Promise<Check[]> {
  const local = enginesOf(config).filter(({ kind }) => kind !== 'url')
  return Promise.all(local.map((engine) => checkModel(engine, gpus)))
}

async function checkModel(engine: ConfiguredEngine, gpus: readonly Gpu[]): Promise<Check> {
  const { kind = 'embedded', model = DEMO_MODEL, ray } = engine
  const files = await (kind === 'embedded' ? findWeights(model) : filesOfModel(model)).catch(() => null)
  // The engine says why.
  if (!files) return warn('model', `${model} cannot be read`)
  const needed = await memoryNeeded(files)
  const what = `${basename(model)} takes about ${gib(needed)} GiB`
  if (kind === 'vllm' && ray) return pass('model', `${what}, on the Ray cluster`)
  if (kind === 'vllm' && gpus.length === 0) return warn('model', `${what}; vllm is made for GPUs`)
  const onGpus = memoryOf(gpus)
  if (needed < onGpus)
    return pass('model', `${what}, the GPUs have ${gib(onGpus)} GiB${await placing(engine, files)}`)
  if (kind === 'vllm') return fail('model', `${what}, the GPUs have ${gib(onGpus)} GiB`)
  if (needed >= memory()) return fail('model', `${what}, the machine has ${gib(memory())} GiB`)
  const some = gpus.length > 0 ? 'more than the GPUs have: a part of it is computed on the CPU' : ''
  return some
    ? warn('model', `${what}, ${some}`)
    : pass('model', `${what}, the machine has ${gib(memory())} GiB`)
}

/** How the engine will use the GPUs, where the configuration leaves it open. */
async function placing(engine: ConfiguredEngine, files: readonly string[]): Promise<string> {
  const { kind = 'embedded', model = DEMO_MODEL } = engine
  if (!isSpawned(kind)) return ''
  const { gpuLayers, tensorParallel } = await withGpus(kind, { ...engine, model }, files)
  if (gpuLayers !== undefined) return `: ${gpuLayers} layers there at most`
  return tensorParallel === undefined ? '' : `: ${tensorParallel} of them share it`
}

function gib(bytes: number): string {
  const value = bytes / 2 ** 30
  return value >= 100 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(1) : value.toPrecision(1)
}
