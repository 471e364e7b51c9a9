import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { request } from 'undici'
import { fingerprintWeights, type HashFiles, hashWeights, modelInvalid } from '../embedded/weights.ts'
import type { Adapters, EngineLogger, EngineModel } from '../engine.ts'
import { type RunningEngine, SupervisedEngine } from '../supervisedEngine.ts'
import { type EngineServer, listModels } from '../url/listModels.ts'
import { probeTokenizer } from '../url/tokenizers.ts'
import { adapterNameTaken, adaptersUnsupported, loadIntoVllm, unloadFromVllm } from './adapters.ts'
import { withGpus } from './gpuDefaults.ts'
import { digestOf, filesOfModel } from './modelFiles.ts'
import { modelIdOf, RECIPES, type SpawnedKind, type SpawnedOptions } from './recipes.ts'
import { startServer } from './serverProcess.ts'
import { isSpeechModel } from './speechModel.ts'

/**
 * Starts llama-server, vLLM or `transformers serve` as a child on the loopback interface, hashes its weights, and keeps
 * it running. Resolves when it answers.
 * @param hash how weights are hashed; default by reading them, each time
 * @throws AppError `engine_missing`, `engine_failed`, `model_not_found`, `model_invalid`, `context_length_unknown`,
 * `adapters_unsupported`
 * @example
 * const engine = await startSpawnedEngine('vllm', { model: '/models/qwen3-8b', tensorParallel: 2 }, logger)
 */
export async function startSpawnedEngine(
  kind: SpawnedKind,
  options: SpawnedOptions,
  logger: EngineLogger,
  hash: HashFiles = hashWeights,
): Promise<SupervisedEngine> {
  const names = Object.keys(options.adapters ?? {})
  if (kind !== 'vllm' && names.length > 0) throw adaptersUnsupported(kind)
  if (names.includes(modelIdOf(options))) throw adapterNameTaken(modelIdOf(options))
  const files = await filesOfModel(options.model)
  const placed = await withGpus(kind, options, files)
  const start = (adapters: Adapters, signal?: AbortSignal) =>
    launch(kind, { ...placed, ...(options.adapters && { adapters }) }, files, hash, signal)
  return SupervisedEngine.start(kind, start, logger, options.adapters)
}

async function launch(
  kind: SpawnedKind,
  options: SpawnedOptions,
  files: readonly string[],
  hash: HashFiles,
  signal?: AbortSignal,
): Promise<RunningEngine> {
  const adapters = await filesOfAdapters(options.adapters)
  const all = [...files, ...adapters.flatMap(([, own]) => own)]
  const before = await fingerprintWeights(all)
  const digest = await digestOf(files, hash)
  const digestOfAdapter = (own: readonly string[]) => digestOf([...files, ...own], hash)
  const folder = await folderWith(options)
  const seat = { port: await freePort(), key: randomBytes(32).toString('hex'), folder }
  const origin = `http://127.0.0.1:${seat.port}`
  const server: EngineServer = {
    baseUrl: `${origin}/v1`,
    headers: { authorization: `Bearer ${seat.key}` },
  }
  const command = RECIPES[kind](options, seat)
  const process = await startServer(command, () => isWell(`${origin}/health`), signal).catch(
    async (error) => {
      await rm(folder, { recursive: true })
      throw error
    },
  )
  const exited = process.exited.then(() => rm(folder, { recursive: true, force: true }))
  try {
    const base = await modelOf(kind, server, options, digest)
    const models = [base]
    for (const [id, own] of adapters) models.push({ ...base, id, digest: await digestOfAdapter(own) })
    if ((await fingerprintWeights(all)) !== before)
      throw modelInvalid(options.model, 'it changed while it was loaded')
    const tokenizer = await probeTokenizer(server, base.id)
    const running = { ...server, ...process, exited, models, tokenizer }
    if (!options.adapters) return running
    const unload = (id: string) => unloadFromVllm(server, id)
    const load = async (id: string, path: string) => {
      const own = await filesOfModel(path)
      const asHashed = await fingerprintWeights(own)
      const model = { ...base, id, digest: await digestOfAdapter(own) }
      await loadIntoVllm(server, id, path)
      if ((await fingerprintWeights(own)) === asHashed) return model
      await unload(id)
      throw modelInvalid(path, 'it changed while it was loaded')
    }
    return { ...running, adapters: { load, unload } }
  } catch (error) {
    await process.stop()
    throw error
  }
}

const filesOfAdapters = (adapters: Adapters = {}) =>
  Promise.all(Object.entries(adapters).map(async ([id, path]) => [id, await filesOfModel(path)] as const))

/** The model under the name that requests use: `transformers serve` knows it by no other. */
async function folderWith(options: SpawnedOptions): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), '0g-engine-'))
  await symlink(resolve(options.model), join(folder, modelIdOf(options)))
  return folder
}

/** The base model under its name, with the digest of what was loaded. */
async function modelOf(
  kind: SpawnedKind,
  server: EngineServer,
  options: SpawnedOptions,
  digest: string,
): Promise<EngineModel> {
  const id = modelIdOf(options)
  if (kind === 'transformers') {
    if (await isSpeechModel(options.model)) return { id, digest, contextLength: 0, kinds: ['transcription'] }
    const contextLength = options.contextSize ?? (await trainedContext(options.model))
    return { id, digest, contextLength, kinds: ['chat', 'completion'] }
  }
  const listed = await listModels(server, options.contextSize)
  const base = listed.find((model) => model.id === id) ?? listed[0]
  if (!base) throw modelInvalid(options.model, 'the engine lists no model')
  return { ...base, id, digest }
}

/** `transformers serve` does not say how many tokens a model takes; the model's own configuration does. */
async function trainedContext(model: string): Promise<number> {
  const text = await readFile(join(model, 'config.json'), 'utf8').catch(() => '')
  const trained = /"max_position_embeddings"\s*:\s*(\d+)/.exec(text)?.[1]
  if (trained === undefined) throw modelInvalid(model, 'its config.json has no max_position_embeddings')
  return Number(trained)
}

async function isWell(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url)
    await body.dump()
    return statusCode === 200
  } catch {
    return false
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
