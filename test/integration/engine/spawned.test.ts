import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { withGpus } from '../../../src/provider/engine/spawned/gpuDefaults.ts'
import type { SpawnedKind, SpawnedOptions } from '../../../src/provider/engine/spawned/recipes.ts'
import { startSpawnedEngine } from '../../../src/provider/engine/spawned/startSpawnedEngine.ts'
import type { SupervisedEngine } from '../../../src/provider/engine/supervisedEngine.ts'
import { listModels } from '../../../src/provider/engine/url/listModels.ts'
import { standInForGpus } from '../../support/gpus/standIn.ts'
import { waitUntil } from './fixtures/engines.ts'

/** Says so by name: neither llama-server nor vLLM is here. */
const STAND_IN = resolve('test/support/engines/standIn.ts')
const dir = mkdtempSync(join(tmpdir(), 'zg-spawned-'))
const PATH = process.env.PATH!
vi.stubEnv('TMPDIR', dir)
vi.stubEnv('ZG_PRIVATE_KEY', 'not for engines')
afterAll(() => rmSync(dir, { recursive: true }))

const started = () => JSON.parse(readFileSync(join(dir, 'stand-in.json'), 'utf8'))
const gguf = resolve('models/demo/demo.gguf')
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

describe('llama-server (a stand-in that takes its command line)', () => {
  it('is started on loopback behind a key, and its model has the digest of its file', async () => {
    const engine = await startSpawnedEngine(
      'llama-server',
      { model: gguf, program: STAND_IN, parallel: 2, contextSize: 1024 },
      silentLogger,
    )
    expect(engine.kind).toBe('llama-server')
    expect(engine.models).toEqual([
      { id: 'demo', digest: sha256(gguf), contextLength: 1024, kinds: expect.anything() },
    ])
    const { args, env } = started()
    expect(args.join(' ')).toMatch(/--alias demo --host 127\.0\.0\.1 --port \d+ .*--no-slots/)
    expect(args.join(' ')).toContain('--parallel 2 --ctx-size 2048')
    expect(env).toContain('LLAMA_API_KEY')
    expect(env).not.toContain('ZG_PRIVATE_KEY')
    expect(args.join(' ')).not.toContain(engine.headers.authorization!.slice('Bearer '.length))
    expect(await engine.countTextTokens('demo', 'x')).toBe(3)
    await engine.stop()
    expect(engine.state).toBe('stopped')
  })

  it('is brought back after a kill, and not with other weights', async () => {
    const model = join(dir, 'own.gguf')
    cpSync(gguf, model)
    const engine = await startSpawnedEngine('llama-server', { model, program: STAND_IN }, silentLogger)
    const first = engine.pid
    process.kill(first, 'SIGKILL')
    await waitUntil(() => engine.state === 'restarting', 30_000)
    await waitUntil(() => engine.state === 'ready', 30_000)
    expect(engine.pid).not.toBe(first)
    writeFileSync(model, Buffer.concat([readFileSync(gguf), Buffer.from('x')]))
    process.kill(engine.pid, 'SIGKILL')
    await waitUntil(() => engine.state === 'stopped', 30_000)
    await engine.stop()
  })

  it('that ends at once says why, and leaves nothing running', async () => {
    const broken = { model: gguf, modelId: 'broken', program: STAND_IN }
    await expect(startSpawnedEngine('llama-server', broken, silentLogger)).rejects.toMatchObject({
      code: 'engine_failed',
      message: expect.stringContaining('CUDA out of memory'),
    })
  })
})

describe('vLLM (a stand-in that takes its command line)', () => {
  const model = resolve('models/demo')
  const vllm = (options: Partial<SpawnedOptions>) =>
    startSpawnedEngine('vllm', { model, program: STAND_IN, ...options }, silentLogger)

  it('serves a folder over several GPUs', async () => {
    const engine = await vllm({ tensorParallel: 2 })
    expect(engine.models).toMatchObject([
      { id: 'demo', digest: expect.stringMatching(/^[0-9a-f]{64}$/), contextLength: 4096 },
    ])
    const command = started().args.join(' ')
    expect(command).toMatch(/^serve .*models\/demo --served-model-name demo --host 127\.0\.0\.1/)
    expect(command).toContain('--no-enable-log-requests')
    expect(command).toContain('--tensor-parallel-size 2')
    expect(command).not.toMatch(/ray|lora/)
    expect(started().env).not.toContain('VLLM_ALLOW_RUNTIME_LORA_UPDATING')
    await engine.stop()
  })

  it('is told of a Ray cluster across hosts, and where that is', async () => {
    vi.stubEnv('RAY_ADDRESS', '10.0.0.1:6379')
    vi.stubEnv('VLLM_HOST_IP', '10.0.0.1')
    const engine = await vllm({ ray: true, tensorParallel: 8, pipelineParallel: 2 })
    const { args, env } = started()
    expect(args.join(' ')).toContain(
      '--tensor-parallel-size 8 --pipeline-parallel-size 2 --distributed-executor-backend ray',
    )
    expect(env).toEqual(expect.arrayContaining(['RAY_ADDRESS', 'VLLM_HOST_IP']))
    await engine.stop()
  })

  it('loads and unloads adapters while it runs, and has the same ones after a kill', async () => {
    const [one, two, broken] = [adapter('one'), adapter('two'), mkdtempSync(join(dir, 'broken-'))]
    writeFileSync(join(broken, 'adapter_model.safetensors'), 'weights')
    const engine = await vllm({ adapters: { 'ft-1': one } })
    expect(started().args.join(' ')).toContain(`--enable-lora --lora-modules ft-1=${one}`)
    const [base, first] = engine.models
    expect(first).toMatchObject({ id: 'ft-1', contextLength: base!.contextLength })
    expect(first!.digest).toBe(digestLike([...filesIn(model), ...filesIn(one)]))

    await engine.changeAdapters({ 'ft-2': two })
    expect(engine.models.map(({ id }) => id)).toEqual(['demo', 'ft-2'])
    expect(await listed(engine)).toEqual(['demo', 'ft-2'])
    await expect(engine.changeAdapters({ 'ft-2': two, 'ft-3': broken })).rejects.toMatchObject({
      code: 'adapter_refused',
      message: expect.stringContaining('No adapter found'),
    })
    await expect(engine.changeAdapters({ 'ft-2': two, demo: one })).rejects.toMatchObject({
      code: 'adapter_name_taken',
    })
    await engine.changeAdapters({ 'ft-2': two, 'ft-1': one })
    expect(engine.models.find(({ id }) => id === 'ft-1')).toEqual(first)

    const before = engine.models
    process.kill(engine.pid, 'SIGKILL')
    await waitUntil(() => engine.state === 'restarting', 30_000)
    await waitUntil(() => engine.state === 'ready', 30_000)
    expect(engine.models).toEqual(before)
    expect(await listed(engine)).toEqual(['demo', 'ft-2', 'ft-1'])
    await engine.stop()
  })

  it('asked about an adapter that is being restarted says so', async () => {
    const engine = await vllm({ adapters: {} })
    process.kill(engine.pid, 'SIGKILL')
    await waitUntil(() => engine.state === 'restarting', 30_000)
    await expect(engine.changeAdapters({ 'ft-1': adapter('late') })).rejects.toMatchObject({
      code: 'engine_unreachable',
    })
    await engine.stop()
  })

  it('attached by its address says how many tokens an adapter takes: as many as its model', async () => {
    const engine = await vllm({ adapters: { 'ft-1': adapter('attached') } })
    const attached = await listModels(engine)
    expect(attached).toMatchObject([
      { id: 'demo', contextLength: 4096 },
      { id: 'ft-1', contextLength: 4096, digest: null },
    ])
    await engine.stop()
  })

  function adapter(name: string): string {
    const path = join(dir, name)
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'adapter_config.json'), '{}')
    writeFileSync(join(path, 'adapter_model.safetensors'), name)
    return path
  }

  const filesIn = (path: string) =>
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(path, entry.name))
      .sort()

  /** As `sha256sum *` prints it, hashed. */
  const digestLike = (files: readonly string[]) =>
    createHash('sha256')
      .update(files.map((file) => `${sha256(file)}  ${basename(file)}\n`).join(''))
      .digest('hex')

  const listed = async (engine: SupervisedEngine): Promise<string[]> => {
    const response = await fetch(`${engine.baseUrl}/models`, { headers: engine.headers })
    return (await response.json()).data.map(({ id }: { id: string }) => id)
  }
})

describe('on a machine with GPUs (a stand-in for nvidia-smi that says so)', () => {
  const machine = (memoryMiB: readonly number[]) =>
    vi.stubEnv('PATH', `${standInForGpus(dir, memoryMiB)}:${PATH}`)
  afterEach(() => void vi.stubEnv('PATH', PATH).stubEnv('CUDA_VISIBLE_DEVICES', undefined))

  const placed = (kind: SpawnedKind, options: Partial<SpawnedOptions> = {}) => {
    const model = kind === 'vllm' ? resolve('models/demo') : gguf
    return withGpus(kind, { model, ...options }, [gguf])
  }

  it('llama-server puts every layer on them when the model fits', async () => {
    machine([24_576])
    const options = { model: gguf, program: STAND_IN }
    const engine = await startSpawnedEngine('llama-server', options, silentLogger)
    await engine.stop()
    expect(started().args.join(' ')).toContain('--n-gpu-layers 999')
    expect(await placed('llama-server', { gpuLayers: 12 })).toMatchObject({ gpuLayers: 12 })
    machine([1])
    expect(await placed('llama-server')).not.toHaveProperty('gpuLayers')
  })

  it('vLLM shares the model among all that can: each takes as many of its heads', async () => {
    machine([24_576, 24_576])
    const options = { model: resolve('models/demo'), program: STAND_IN }
    const engine = await startSpawnedEngine('vllm', options, silentLogger)
    await engine.stop()
    expect(started().args.join(' ')).toContain('--tensor-parallel-size 2')
    expect(await placed('vllm', { tensorParallel: 1 })).toMatchObject({ tensorParallel: 1 })
    expect(await placed('vllm', { ray: true })).not.toHaveProperty('tensorParallel')
    // The demo model has 6 heads.
    machine([24_576, 24_576, 24_576, 24_576])
    expect(await placed('vllm')).toMatchObject({ tensorParallel: 3 })
  })

  it('those that CUDA_VISIBLE_DEVICES hides do not count, and without any the engine decides', async () => {
    machine([24_576, 24_576])
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '1')
    expect(await placed('vllm')).toMatchObject({ tensorParallel: 1 })
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '')
    expect(await placed('vllm')).not.toHaveProperty('tensorParallel')
    expect(await placed('llama-server')).not.toHaveProperty('gpuLayers')
  })
})

describe('adapters', () => {
  const adapters = { 'ft-1': '/adapters/one' }

  it.each(['llama-server', 'transformers'] as const)(
    'are refused by %s before it is started',
    async (kind) => {
      const options = { model: resolve('models/demo'), program: STAND_IN, adapters }
      await expect(startSpawnedEngine(kind, options, silentLogger)).rejects.toMatchObject({
        code: 'adapters_unsupported',
        exitCode: 20,
      })
    },
  )

  it('are refused by one that runs', async () => {
    const engine = await startSpawnedEngine('llama-server', { model: gguf, program: STAND_IN }, silentLogger)
    await expect(engine.changeAdapters(adapters)).rejects.toMatchObject({ code: 'adapters_unsupported' })
    await engine.changeAdapters({})
    await engine.stop()
  })
})

describe('an engine that cannot be', () => {
  it('has no program', async () => {
    const missing = startSpawnedEngine(
      'vllm',
      { model: resolve('models/demo'), program: 'no-vllm-here' },
      silentLogger,
    )
    await expect(missing).rejects.toMatchObject({ code: 'engine_missing', next: 'pip install vllm' })
  })

  it('has no model', async () => {
    const missing = startSpawnedEngine('vllm', { model: resolve('docs'), program: STAND_IN }, silentLogger)
    await expect(missing).rejects.toMatchObject({ code: 'model_not_found' })
  })
})
