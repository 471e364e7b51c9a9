import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EngineState } from '../../../src/provider/engine/engine.ts'
import { isRunning, MODEL_PATH, post, silent, startDemo, waitUntil } from './fixtures/engines.ts'

const chat = '/v1/chat/completions'
const body = { model: 'demo', messages: [{ role: 'user', content: 'What is a receipt?' }], max_tokens: 1 }
const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const source = fileURLToPath(new URL('../../../src', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'engine-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('the embedded engine', () => {
  it('comes back when its process is killed, and leaves nothing when it is stopped', async () => {
    const engine = await startDemo({ parallel: 1 })
    const states: EngineState[] = []
    engine.onStateChange((state) => states.push(state))
    const weights = await readFile(MODEL_PATH)
    expect(engine.models[0]?.digest).toBe(createHash('sha256').update(weights).digest('hex'))

    const [firstPid, firstBearer] = [engine.pid, engine.headers.authorization]
    process.kill(firstPid, 'SIGKILL')
    await waitUntil(() => states.includes('restarting'), 60_000)
    await expect(engine.countTextTokens('demo', 'a')).rejects.toMatchObject({
      code: 'engine_unreachable',
      retryable: true,
    })
    await waitUntil(() => engine.state === 'ready', 60_000)
    expect(engine.pid).not.toBe(firstPid)
    expect(engine.headers.authorization).not.toBe(firstBearer)
    expect((await post(engine, chat, body)).status).toBe(200)

    await engine.stop()
    expect(isRunning(engine.pid)).toBe(false)
    expect(states).toEqual(['restarting', 'ready', 'stopped'])
  })

  it('refuses to come back with other weights', async () => {
    const modelPath = join(folder, 'demo.gguf')
    await cp(MODEL_PATH, modelPath)
    const engine = await startDemo({ parallel: 1, modelPath })
    const weights = await readFile(modelPath)
    weights[weights.length - 1] = (weights.at(-1) ?? 0) ^ 1
    // A replacement, as an update makes it: the running child keeps the old file mapped.
    await rm(modelPath)
    await writeFile(modelPath, weights)
    process.kill(engine.pid, 'SIGKILL')
    await waitUntil(() => engine.state === 'stopped', 60_000)
    expect(isRunning(engine.pid)).toBe(false)
    await engine.stop()
  })

  it('dies with its parent', async () => {
    const parent = spawn(process.execPath, [fixture('parent.ts')], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [output] = await once(parent.stdout, 'data')
    const pid = Number(String(output))
    expect(isRunning(pid)).toBe(true)
    parent.kill('SIGKILL')
    try {
      await waitUntil(() => !isRunning(pid), 60_000)
    } finally {
      if (isRunning(pid)) process.kill(pid, 'SIGKILL')
    }
  })

  it('outlives the signals that reach a whole process group, so that streams can drain', async () => {
    const engine = await startDemo({ parallel: 1 })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(engine.pid, signal)
    expect((await post(engine, chat, body)).status).toBe(200)
    expect(engine.state).toBe('ready')
    await engine.stop()
  })

  it.skipIf(process.platform !== 'linux')('sees no secret of its parent and dumps no core', async () => {
    process.env.ENGINE_TEST_SECRET = 'canary-in-the-environment'
    const engine = await startDemo({ parallel: 1 })
    const read = (name: string): Promise<string> => readFile(`/proc/${engine.pid}/${name}`, 'utf8')
    const seen = (await read('environ')) + (await read('cmdline'))
    expect(seen).not.toContain('canary-in-the-environment')
    expect(seen).not.toContain(engine.headers.authorization?.replace('Bearer ', ''))
    expect(await read('limits')).toMatch(/Max core file size\s+0\s+0/)
    await engine.stop()
  })
})

describe('what cannot be started', () => {
  it('a file that is not there', async () => {
    await expect(startDemo({ modelPath: join(folder, 'none.gguf') })).rejects.toMatchObject({
      code: 'model_not_found',
    })
  })

  it('a file that is not a GGUF', async () => {
    const modelPath = join(folder, 'text.gguf')
    await writeFile(modelPath, 'a text')
    await expect(startDemo({ modelPath })).rejects.toMatchObject({
      code: 'model_invalid',
      hint: expect.any(String),
    })
  })

  it.each([2_000, 3_000_000])('a GGUF cut off after %d bytes', async (length) => {
    const modelPath = join(folder, `short-${length}.gguf`)
    await cp(MODEL_PATH, modelPath)
    await truncate(modelPath, length)
    await expect(startDemo({ modelPath })).rejects.toMatchObject({
      code: 'model_invalid',
      hint: expect.any(String),
    })
  })

  it('without node-llama-cpp: names the command that installs it', async () => {
    const root = join(folder, 'src')
    await cp(join(source, 'base'), join(root, 'base'), { recursive: true })
    await cp(join(source, 'provider/engine'), join(root, 'provider/engine'), { recursive: true })
    await cp(join(source, '../node_modules/undici'), join(folder, 'node_modules/undici'), { recursive: true })
    await writeFile(join(folder, 'package.json'), '{"type":"module"}')
    const child = spawn(process.execPath, [fixture('missing.ts'), root, MODEL_PATH], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [output] = await once(child.stdout, 'data')
    expect(JSON.parse(String(output))).toEqual({ code: 'engine_missing', next: 'npm install node-llama-cpp' })
  })
})

it('reports restarts without saying more than the model', async () => {
  const lines: string[] = []
  const note = (message: string, fields?: object): void =>
    void lines.push(`${message} ${JSON.stringify(fields)}`)
  const engine = await startDemo({ parallel: 1, logger: { ...silent, warn: note, info: note } })
  await post(engine, chat, { ...body, messages: [{ role: 'user', content: 'canary-in-the-prompt' }] })
  process.kill(engine.pid, 'SIGKILL')
  await waitUntil(() => lines.length === 2, 60_000)
  await engine.stop()
  expect(lines).toEqual([
    'the engine ended and is being restarted {"model":"demo"}',
    'the engine is back {"model":"demo"}',
  ])
})
