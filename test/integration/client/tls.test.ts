import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { Answer } from '../../../src/client/answer.ts'
import type { Compute } from '../../../src/client/compute.ts'
import { openCompute } from '../../../src/client/openCompute.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { runCli } from '../../support/cli.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import type { ScriptedEngine } from '../../support/scriptedEngine.ts'
import { openShop, type Shop } from '../../support/shop.ts'
import { makeTlsIdentity, trust } from '../../support/tlsIdentity.ts'
import { startTlsWay, type TlsWay } from '../../support/tlsWay.ts'
import type { World } from '../../support/world.ts'
import { approval } from './clientOf.ts'

const STEADY = { model: 'steady', messages: [{ role: 'user', content: 'secret' }], maxTokens: 3 } as const
/** What everybody may read, and what a client looks at before it decides. */
const PUBLIC = /^GET \/v1\/(quote|models|capabilities)$/

/** The enclave's, the one after it was renewed, and that of somebody in between: all of them trusted by name. */
const [first, renewed, middle] = [makeTlsIdentity(), makeTlsIdentity(), makeTlsIdentity()]

let shop: Shop
let world: World
let scripted: ScriptedEngine
let broker: Broker
let way: TlsWay
let home: string
const open: Compute[] = []

beforeAll(async () => {
  trust(first, renewed, middle)
  home = mkdtempSync(join(tmpdir(), 'zg-tls-'))
  way = await startTlsWay(middle)
  shop = await openShop({ tls: first, publicUrl: way.url })
  ;({ world, scripted, broker } = shop)
  way.target = broker.port
  await world.fund(world.user)
})

afterEach(async () => {
  way.setMiddle(false)
  way.read.length = 0
  for (const compute of open.splice(0)) await compute.close()
})

afterAll(async () => {
  await shop?.stop()
  await way?.stop()
  rmSync(home, { recursive: true, force: true })
})

/** A client of the user, which knows what an earlier one in the same folder knew. */
async function client(folder: string): Promise<Compute> {
  const wallet: HDNodeWallet = world.user
  const compute = await openCompute({
    network: world.network,
    stateDir: join(home, folder),
    account: { address: wallet.address as `0x${string}`, signer: (rpc) => wallet.connect(rpc) },
  })
  open.push(compute)
  return compute
}

const ask = (compute: Compute): Promise<Answer> => compute.infer(STEADY, approval().hooks)
const stepOf = ({ verdict }: Answer) => verdict.steps.find(({ name }) => name === 'tls-key')
const REJECTED = { code: 'provider_rejected', exitCode: 10, details: { step: 'tls-key' } }

it('the client sees that its connection ends in the enclave', async () => {
  const answer = await ask(await client('one'))
  expect(answer.verdict.outcome).toBe('accepted')
  expect(stepOf(answer)).toMatchObject({ result: 'pass' })
})

it('somebody in between is rejected, and reads nothing but what everybody may', async () => {
  way.setMiddle(true)
  const before = scripted.requests.length
  await expect(ask(await client('two'))).rejects.toMatchObject(REJECTED)
  expect(way.read.filter((line) => !PUBLIC.test(line))).toEqual([])
  expect(way.read.length).toBeGreaterThan(0)
  expect(scripted.requests).toHaveLength(before)
})

it.each([
  ['while a client runs', async (known: Compute) => known],
  ['between two runs of a client', () => client('three')],
])('somebody who steps in between %s reads as little', async (_when, next) => {
  const known = await client('three')
  await ask(known)
  way.setMiddle(true)
  const before = scripted.requests.length
  await expect(ask(await next(known))).rejects.toMatchObject(REJECTED)
  expect(way.read.filter((line) => !PUBLIC.test(line))).toEqual([])
  expect(scripted.requests).toHaveLength(before)
  way.setMiddle(false)
  expect((await ask(await next(known))).verdict.outcome).toBe('accepted')
})

it('the command line names the step; saved evidence keeps what was seen', async () => {
  const ca = join(home, 'ca.pem')
  writeFileSync(ca, first.cert + middle.cert)
  const env = { ...devnetHome(world, way.url), NODE_EXTRA_CA_CERTS: ca }
  const verify = async (...args: string[]) => {
    const { code, stdout } = await runCli(['provider', 'verify', ...args, '--json'], env)
    return { code, ...JSON.parse(stdout) }
  }
  const file = join(home, 'evidence.json')
  expect(await verify(broker.provider, '--save', file)).toMatchObject({ code: 0, verdict: 'accepted' })
  expect(await verify(file, '--offline', '--mine')).toMatchObject({ code: 0, verdict: 'accepted' })
  const strangers = await verify(file, '--offline')
  expect(strangers.steps).toContainEqual(expect.objectContaining({ name: 'tls-key', result: 'skipped' }))
  way.setMiddle(true)
  expect(await verify(broker.provider)).toMatchObject({ code: 10, failedStep: 'tls-key' })
})

it('a key that the enclave renewed is looked at again, and the answer comes', async () => {
  const compute = await client('four')
  await ask(compute)
  await broker.stop()
  broker = await world.startBroker(shop.engine, { tls: renewed, publicUrl: way.url })
  way.target = broker.port
  way.setMiddle(false)
  const answer = await ask(compute)
  expect(answer.verdict.outcome).toBe('accepted')
  expect(stepOf(answer)).toMatchObject({ result: 'pass' })
})
