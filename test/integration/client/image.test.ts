import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { ProxyServer } from '../../../src/client/proxy/proxyServer.ts'
import { SpendBook } from '../../../src/client/proxy/spendBook.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { runCli } from '../../support/cli.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startWorld, type World } from '../../support/world.ts'
import { approval, clientOf } from './clientOf.ts'

const IMAGE = ONE_0G / 100n

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
let env: Record<string, string>

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine(0, ['steady', 'painter'])])
  const serves = { painter: ['image'] } as const
  engine = await attachUrlEngine({ target: scripted.target, serves, logger: silentLogger })
  const models = { painter: { input: 0n, output: 0n, image: IMAGE } }
  broker = await world.startBroker(engine, { prices: { input: 1000n, output: 4000n, models } })
  env = devnetHome(world, broker.url)
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
})

const image = (...args: string[]) => runCli(['image', 'a red square', '--json', ...args], env)

describe('image', () => {
  it('buys images, verifies the receipt by the image, and writes them', async () => {
    const out = join(world.dir, 'square.png')
    const { code, stdout, stderr } = await image('--out', out, '--count', '2', '--size', '64x64')
    expect(code, stderr).toBe(0)
    const result = JSON.parse(stdout)
    const files = [out, join(world.dir, 'square-2.png')]
    expect(result).toMatchObject({ verdict: 'accepted', sealed: true, fee: (2n * IMAGE).toString(), files })
    for (const file of files) expect(readFileSync(file)).toEqual(Buffer.from('AAAA', 'base64'))
    expect(JSON.parse(scripted.requests.at(-1)!.body)).toEqual({
      model: 'painter',
      prompt: 'a red square',
      n: 2,
      response_format: 'b64_json',
      size: '64x64',
    })
  })

  it('goes in clear where that is asked for', async () => {
    const { stdout } = await image('--out', join(world.dir, 'open.png'), '--no-private')
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'accepted', sealed: false })
  })

  it('sends nothing that could cost more than allowed', async () => {
    const before = scripted.requests.length
    const { code, stdout } = await image('--count', '3', '--max-cost', '0.029')
    expect([code, JSON.parse(stdout).code]).toEqual([5, 'max_cost_exceeded'])
    expect(scripted.requests).toHaveLength(before)
  })

  it('is bought through the proxy by the official client', async () => {
    const compute = await clientOf(world, world.anvil.wallets[6] as HDNodeWallet)
    await compute.ensureFunds(broker.provider, ONE_0G, approval().hooks)
    const spending = new SpendBook(join(world.dir, 'spent.json'), null)
    const proxy = new ProxyServer(compute, {
      host: '127.0.0.1',
      port: 0,
      token: 'token',
      model: 'painter',
      spending,
    })
    const openai = new OpenAI({ baseURL: await proxy.listen(), apiKey: 'token', maxRetries: 0 })
    const { data, response } = await openai.images
      .generate({ model: 'painter', prompt: 'a red square', n: 2 })
      .withResponse()
    expect(data.data).toHaveLength(2)
    expect(response.headers.get('x-0g-verdict')).toBe('accepted')
    await proxy.close(0)
    await compute.close()
  })

  it('is refused from a model that makes none', async () => {
    const { stdout } = await image('--model', 'steady')
    expect(JSON.parse(stdout).code).toBe('model_unknown')
  })
})
