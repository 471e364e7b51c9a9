import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { request } from 'undici'
import { fingerprintWeights, modelInvalid } from '../embedded/weights.ts'
import type { EngineLogger, EngineModel } from '../engine.ts'
import { type RunningEngine, SupervisedEngine } from '../supervisedEngine.ts'
import { type EngineServer, listModels } from '../url/listModels.ts'
import { probeTokenizer } from '../url/tokenizers.ts'
import { digestOf, filesOfModel } from './modelFiles.ts'
import { modelIdOf, RECIPES, type SpawnedKind, type SpawnedOptions } from './recipes.ts'
import { startServer } from './serverProcess.ts'

/**
 * Starts llama-server, vLLM or `transformers serve` as a child on the loopback interface, hashes its weights, and keeps
 * it running. Resolves when it answers.
 * @throws AppError `engine_missing`, `engine_failed`, `model_not_found`, `model_invalid`, `context_length_unknown`
 * @example
 * const engine = await startSpawnedEngine('vllm', { model: '/models/qwen3-8b', tensorParallel: 2 }, logger)
 */
export async function startSpawnedEngine(
  kind: SpawnedKind,
  options: SpawnedOptions,
  logger: EngineLogger,
): Promise<SupervisedEngine> {
  const files = await filesOfModel(options.model)
  return SupervisedEngine.start(kind, () => launch(kind, options, files), logger)
}

async function launch(
  kind: SpawnedKind,
  options: SpawnedOptions,
  files: readonly string[],
): Promise<RunningEngine> {
  const before = await fingerprintWeights(files)
  const digest = await digestOf(files)
  const folder = await folderWith(options)
  const seat = { port: await freePort(), key: randomBytes(32).toString('hex'), folder }
  const origin = `http://127.0.0.1:${seat.port}`
  const server: EngineServer = {
    baseUrl: `${origin}/v1`,
    headers: { authorization: `Bearer ${seat.key}` },
  }
  const process = await startServer(RECIPES[kind](options, seat), () => isWell(`${origin}/health`)).catch(
    async (error) => {
      await rm(folder, { recursive: true })
      throw error
    },
  )
  const exited = process.exited.then(() => rm(folder, { recursive: true, force: true }))
  try {
    const models = await modelsOf(kind, server, options, digest)
    if ((await fingerprintWeights(files)) !== before)
      throw modelInvalid(options.model, 'it changed while it was loaded')
    const tokenizer = await probeTokenizer(server, models[0]!.id)
    return { ...server, ...process, exited, models, tokenizer }
  } catch (error) {
    await process.stop()
    throw error
  }
}

/** The model under the name that requests use: `transformers serve` knows it by no other. */
async function folderWith(options: SpawnedOptions): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), '0g-engine-'))
  await symlink(resolve(options.model), join(folder, modelIdOf(options)))
  return folder
}

/** The base model under its name with the digest of what was loaded, and its adapters, which were not hashed. */
async function modelsOf(
  kind: SpawnedKind,
  server: EngineServer,
  options: SpawnedOptions,
  digest: string,
): Promise<EngineModel[]> {
  const id = modelIdOf(options)
  if (kind === 'transformers') {
    const contextLength = options.contextSize ?? (await trainedContext(options.model))
    return [{ id, digest, contextLength, kinds: ['chat', 'completion'] }]
  }
  const listed = await listModels(server, options.contextSize)
  const base = listed.find((model) => model.id === id) ?? listed[0]
  const adapters = listed.filter((model) => options.adapters?.[model.id] !== undefined)
  return base ? [{ ...base, id, digest }, ...adapters] : []
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
