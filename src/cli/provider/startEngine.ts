import { fileURLToPath } from 'node:url'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { ConfiguredEngine, ProviderConfig } from '../../provider/config/config.ts'
import { type HashFiles, hashWeights } from '../../provider/engine/embedded/weights.ts'
import type { Engine } from '../../provider/engine/engine.ts'
import type { SpawnedKind } from '../../provider/engine/spawned/recipes.ts'

/** What is served where no model is named. */
export const DEMO_MODEL = fileURLToPath(new URL('../../../models/demo/demo.gguf', import.meta.url))

/** All engines that a configuration names; without any the embedded one. */
export const enginesOf = ({ engine = {}, engines }: ProviderConfig): readonly ConfiguredEngine[] => {
  if (!engines?.length) return [engine]
  return Object.keys(engine).length > 0 ? [engine, ...engines] : engines
}

/**
 * The engine that a configuration names, or all of them behind one.
 * @param hash how weights are hashed
 * @throws AppError `usage`, `engines_disagree`, and those of the engines; none is left running
 */
export async function startEngine(
  config: ProviderConfig,
  logger: Logger,
  hash: HashFiles = hashWeights,
): Promise<Engine> {
  const named = enginesOf(config)
  if (!config.engines?.length) return startOne(named[0]!, logger, hash)
  const { PooledEngine } = await import('../../provider/engine/pooledEngine.ts')
  const starts = await Promise.allSettled(named.map((one) => startOne(one, logger, hash)))
  const started = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  try {
    for (const start of starts) if (start.status === 'rejected') throw start.reason
    return new PooledEngine(started)
  } catch (error) {
    await Promise.all(started.map((one) => one.stop()))
    throw error
  }
}

async function startOne(engine: ConfiguredEngine, logger: Logger, hash: HashFiles): Promise<Engine> {
  const { kind = 'embedded', target, adapters = {} } = engine
  if ((kind === 'url' || kind === 'embedded') && Object.keys(adapters).length > 0) {
    const { adaptersUnsupported } = await import('../../provider/engine/spawned/adapters.ts')
    throw adaptersUnsupported(kind)
  }
  if (kind === 'url') {
    if (!target) throw usage('--engine url needs --target', 'Name the server, e.g. http://127.0.0.1:8000/v1')
    const { attachUrlEngine } = await import('../../provider/engine/url/attachUrlEngine.ts')
    return attachUrlEngine({ target, logger, ...urlOptions(engine) })
  }
  if (kind === 'embedded') return embedded(engine, logger, hash)
  if (!isSpawned(kind)) {
    throw usage(`There is no engine "${kind}"`, `Engines: embedded, ${SPAWNED.join(', ')}, url`)
  }
  if (!engine.model)
    throw usage(`--engine ${kind} needs --model`, 'Name a GGUF file or a folder with safetensors')
  const { startSpawnedEngine } = await import('../../provider/engine/spawned/startSpawnedEngine.ts')
  const { model, name, context, ...rest } = engine
  const options = { ...rest, model, ...(name && { modelId: name }), ...(context && { contextSize: context }) }
  return startSpawnedEngine(kind, options, logger, hash)
}

/**
 * Has the engine serve the adapters that a configuration names now.
 * @throws AppError `adapters_unsupported` where several engines serve, and those of the engine
 */
export async function changeAdapters(engine: Engine, { engine: named }: ProviderConfig): Promise<void> {
  const adapters = named?.adapters ?? {}
  if (engine.changeAdapters) return engine.changeAdapters(adapters)
  if (Object.keys(adapters).length === 0) return
  const { adaptersUnsupported } = await import('../../provider/engine/spawned/adapters.ts')
  throw adaptersUnsupported(engine.kind)
}

const urlOptions = ({ context, serves = {} }: ConfiguredEngine) => ({
  ...(context !== undefined && { contextLength: context }),
  serves: Object.fromEntries(Object.entries(serves).map(([id, kind]) => [id, [kind]])),
})

async function embedded(engine: ConfiguredEngine, logger: Logger, hash: HashFiles): Promise<Engine> {
  const { model = DEMO_MODEL, name, parallel, context } = engine
  const { startEmbeddedEngine } = await import('../../provider/engine/embedded/startEmbeddedEngine.ts')
  return startEmbeddedEngine({
    modelPath: model,
    logger,
    hash,
    ...(name !== undefined && { modelId: name }),
    ...(parallel !== undefined && { parallel }),
    ...(context !== undefined && { contextSize: context }),
  })
}

const SPAWNED: readonly SpawnedKind[] = ['llama-server', 'vllm', 'transformers']

export const isSpawned = (kind: string): kind is SpawnedKind => SPAWNED.some((known) => known === kind)

const usage = (message: string, hint: string): AppError =>
  new AppError({
    code: 'usage',
    message,
    hint,
    next: '0g-compute provider serve --help',
    exitCode: EXIT.usage,
  })
