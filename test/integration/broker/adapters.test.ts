import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseBinding } from '../../../src/protocol/quoteBinding.ts'
import { type ServeProcess, startServe } from '../../support/serveProcess.ts'
import { startWorld, type World } from '../../support/world.ts'

let world: World
let serve: ServeProcess
let config: string

/** vLLM is a stand-in that takes its command line and its requests about adapters. */
const write = (adapters: object) =>
  writeFileSync(
    config,
    JSON.stringify({
      settlement: { interval: 3600 },
      engine: {
        kind: 'vllm',
        model: resolve('models/demo'),
        program: resolve('test/support/engines/standIn.ts'),
        adapters,
      },
    }),
  )

beforeAll(async () => {
  world = await startWorld()
  config = join(world.dir, 'provider.yaml')
  write({})
  serve = await startServe(world, ['--config', config])
})

afterAll(async () => {
  await serve?.stop()
  await world?.stop()
})

function adapter(name: string): string {
  const path = join(world.dir, name)
  mkdirSync(path)
  for (const file of ['adapter_config.json', 'adapter_model.safetensors'])
    writeFileSync(join(path, file), name)
  return path
}

const offered = async (): Promise<string[]> => {
  const { data } = await (await fetch(`${serve.url}/v1/models`)).json()
  return data.map(({ id }: { id: string }) => id)
}

/** What a fresh quote vouches for. */
async function vouchedFor() {
  const answer = await (await fetch(`${serve.url}/v1/quote?nonce=${'0'.repeat(64)}`)).json()
  return parseBinding(answer.binding)!.models
}

it('SIGHUP loads and unloads adapters; offers and evidence name them, with their digests', async () => {
  expect(await offered()).toEqual(['demo'])
  const [base] = await vouchedFor()
  write({ 'ft-1': adapter('one') })
  serve.child.kill('SIGHUP')
  await expect.poll(offered, { timeout: 20_000 }).toEqual(['demo', 'ft-1'])
  const [, first] = await vouchedFor()
  expect(first).toEqual({ id: 'ft-1', digest: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(first!.digest).not.toBe(base!.digest)
  write({ 'ft-2': adapter('two') })
  serve.child.kill('SIGHUP')
  await expect.poll(offered, { timeout: 20_000 }).toEqual(['demo', 'ft-2'])
  write({})
  serve.child.kill('SIGHUP')
  await expect.poll(offered, { timeout: 20_000 }).toEqual(['demo'])
  expect(await vouchedFor()).toEqual([base])
})

it('one that the engine refuses is logged, and the others stay', async () => {
  const path = adapter('three')
  write({ 'ft-3': path })
  serve.child.kill('SIGHUP')
  await expect.poll(offered, { timeout: 20_000 }).toEqual(['demo', 'ft-3'])
  write({ 'ft-3': path, 'ft-4': join(world.dir, 'nowhere') })
  serve.child.kill('SIGHUP')
  await expect
    .poll(() => readFileSync(serve.logFile, 'utf8'), { timeout: 20_000 })
    .toMatch(/model_not_found.*"reload_failed"/)
  expect(await offered()).toEqual(['demo', 'ft-3'])
})
