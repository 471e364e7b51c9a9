import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeEach, expect, it, vi } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { weightHashes } from '../../../src/cli/provider/weightHashes.ts'
import type { HashFiles } from '../../../src/provider/engine/embedded/weights.ts'
import { startSpawnedEngine } from '../../../src/provider/engine/spawned/startSpawnedEngine.ts'

vi.mock(import('node:fs'), async (original) => {
  const real = await original()
  return { ...real, createReadStream: vi.fn(real.createReadStream) }
})

const dir = fs.mkdtempSync(join(tmpdir(), 'zg-hashes-'))
const model = join(dir, 'own.gguf')
const dataDir = join(dir, 'data')
const cache = join(dataDir, 'weights.json')

beforeEach(() => {
  fs.cpSync('models/demo/demo.gguf', model)
  fs.rmSync(dataDir, { recursive: true, force: true })
})
afterAll(() => fs.rmSync(dir, { recursive: true }))

/** Starts a broker's engine (a stand-in that loads nothing): its digest, and how often the broker read the weights. */
async function start(hash: HashFiles): Promise<{ digest: string | null; reads: number }> {
  const read = vi.mocked(fs.createReadStream)
  read.mockClear()
  const program = resolve('test/support/engines/standIn.ts')
  const engine = await startSpawnedEngine('llama-server', { model, program }, silentLogger, hash)
  await engine.stop()
  const reads = read.mock.calls.filter(([path]) => path === model).length
  return { digest: engine.models[0]!.digest, reads }
}

it('without an enclave weights are read at the first start, and not at the second', async () => {
  const first = await start(weightHashes('simulated', dataDir))
  expect(first).toEqual({ digest: expect.stringMatching(/^[0-9a-f]{64}$/), reads: 1 })
  expect(await start(weightHashes('simulated', dataDir))).toEqual({ digest: first.digest, reads: 0 })
  expect(fs.statSync(cache).mode & 0o777).toBe(0o600)
})

it('other times, another size or another file in its place are read again', async () => {
  const hash = () => weightHashes('none', dataDir)
  const { digest } = await start(hash())
  fs.utimesSync(model, 1_000_000, 1_000_000)
  expect(await start(hash())).toEqual({ digest, reads: 1 })
  fs.appendFileSync(model, 'x')
  const longer = await start(hash())
  expect(longer.reads).toBe(1)
  expect(longer.digest).not.toBe(digest)
  fs.cpSync('models/demo/demo.gguf', `${model}.new`)
  fs.renameSync(`${model}.new`, model)
  expect(await start(hash())).toEqual({ digest, reads: 1 })
  expect(await start(hash())).toEqual({ digest, reads: 0 })
})

it('in an enclave they are read at each start, whatever the disk says, and nothing is written', async () => {
  const { digest } = await start(weightHashes('simulated', dataDir))
  const entries = Object.entries(JSON.parse(fs.readFileSync(cache, 'utf8')))
  const forged = entries.map(([key, known]) => [key, { ...(known as object), digest: '0'.repeat(64) }])
  fs.writeFileSync(cache, JSON.stringify(Object.fromEntries(forged)))
  expect(await start(weightHashes('dstack', dataDir))).toEqual({ digest, reads: 1 })
  expect(await start(weightHashes('dstack', dataDir))).toEqual({ digest, reads: 1 })
  expect(fs.readFileSync(cache, 'utf8')).toContain('0'.repeat(64))
})

it('a cache that cannot be written stops nothing', async () => {
  fs.writeFileSync(dataDir, 'no folder')
  expect((await start(weightHashes('simulated', dataDir))).reads).toBe(1)
  expect((await start(weightHashes('simulated', dataDir))).reads).toBe(1)
})

it('a cache that cannot be read counts as empty', async () => {
  fs.mkdirSync(dataDir)
  fs.writeFileSync(cache, 'nothing')
  expect((await start(weightHashes('simulated', dataDir))).reads).toBe(1)
  expect((await start(weightHashes('simulated', dataDir))).reads).toBe(0)
})
