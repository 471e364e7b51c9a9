import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { startSpawnedEngine } from '../../../src/provider/engine/spawned/startSpawnedEngine.ts'
import { waitUntil } from './fixtures/engines.ts'

/** Says so by name: neither llama-server nor vLLM is here. */
const STAND_IN = resolve('test/support/engines/standIn.ts')
const dir = mkdtempSync(join(tmpdir(), 'zg-spawned-'))
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
  it('serves a folder over several GPUs and hosts, with adapters', async () => {
    const engine = await startSpawnedEngine(
      'vllm',
      {
        model: resolve('models/demo'),
        program: STAND_IN,
        tensorParallel: 2,
        ray: true,
        adapters: { 'ft-1': '/adapters/one' },
      },
      silentLogger,
    )
    expect(engine.models).toMatchObject([
      { id: 'demo', digest: expect.stringMatching(/^[0-9a-f]{64}$/), contextLength: 4096 },
      { id: 'ft-1', digest: null },
    ])
    const command = started().args.join(' ')
    expect(command).toMatch(/^serve .*models\/demo --served-model-name demo --host 127\.0\.0\.1/)
    expect(command).toContain('--no-enable-log-requests')
    expect(command).toContain('--tensor-parallel-size 2 --distributed-executor-backend ray')
    expect(command).toContain('--enable-lora --lora-modules ft-1=/adapters/one')
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
