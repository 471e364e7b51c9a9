import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { BUILT_IN_NETWORKS } from '../../../src/chain/networks.ts'
import { approval } from '../../../src/cli/proxy.ts'
import type { Compute } from '../../../src/client/compute.ts'
import { ProxyServer } from '../../../src/client/proxy/proxyServer.ts'
import { SpendBook } from '../../../src/client/proxy/spendBook.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startWorld, type World } from '../../support/world.ts'
import { clientOf } from './clientOf.ts'

const TOKEN = 'zg-test'

let world: World
let scripted: ScriptedEngine
let engine: Engine
let compute: Compute

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  await world.startBroker(engine)
  compute = await clientOf(world, world.user)
})

afterAll(async () => {
  await compute?.close()
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
})

const mainnet = BUILT_IN_NETWORKS.find(({ kind }) => kind === 'mainnet')!

/** What a proxy answers whose approval is that of the command line on mainnet. */
async function ask(flags: { readonly yes: boolean }): Promise<[number, string | undefined]> {
  const spending = new SpendBook(join(world.dir, `spent-${flags.yes}.json`), ONE_0G)
  const hooks = { approve: approval({ network: mainnet, flags }, ONE_0G) }
  const proxy = new ProxyServer(compute, { host: '127.0.0.1', port: 0, token: TOKEN, spending, hooks })
  const response = await fetch(`${await proxy.listen()}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'steady', messages: [{ role: 'user', content: 'hi' }], max_tokens: 3 }),
  })
  const { error } = await response.json()
  await proxy.close(0)
  return [response.status, error?.code]
}

it('a proxy on mainnet moves no money to a provider unless it was started with --yes', async () => {
  const sent = () => world.anvil.rpc.getTransactionCount(world.user.address)
  const before = await sent()
  expect(await ask({ yes: false })).toEqual([402, 'confirmation_needed'])
  expect(await sent()).toBe(before)
  expect(await ask({ yes: true })).toEqual([200, undefined])
  expect(await sent()).toBeGreaterThan(before)
})
