import type { HDNodeWallet } from 'ethers'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import type { Compute } from '../../../src/client/compute.ts'
import { parseToken } from '../../../src/protocol/sessionToken.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { runCli } from '../../support/cli.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { openShop, type Shop } from '../../support/shop.ts'
import { startWorld, type World } from '../../support/world.ts'
import { approval, clientOf, misreading } from './clientOf.ts'

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
let compute: Compute
let env: Record<string, string>

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  broker = await world.startBroker(engine)
  compute = await clientOf(world, world.anvil.wallets[3] as HDNodeWallet)
  env = devnetHome(world, broker.url)
})

afterAll(async () => {
  await compute?.close()
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
})

const ask = (baseURL: string, apiKey: string) =>
  new OpenAI({ baseURL, apiKey, maxRetries: 0 }).chat.completions.create({
    model: 'steady',
    max_tokens: 3,
    messages: [{ role: 'user', content: 'x' }],
  })

/** The broker looks for new blocks every 100 ms on a devnet. */
const expectRevoked = (baseURL: string, key: string) =>
  expect
    .poll(() => ask(baseURL, key).catch((error: { code: string }) => error.code), {
      timeout: 20_000,
      interval: 50,
    })
    .toBe('token_revoked')

const DAY = 86_400_000
const make = (name: string, lifetimeMs: number | null = DAY) =>
  compute.keys.create({ provider: broker.provider, name, lifetimeMs })

describe('a persistent key', () => {
  it('serves the official OpenAI client, until it is revoked: as soon as the broker sees the block', async () => {
    const { key, baseUrl, hasAccount } = await make('first')
    expect(hasAccount).toBe(false)
    await compute.ensureFunds(broker.provider, ONE_0G, approval().hooks)
    const { choices } = await ask(baseUrl, key)
    expect(choices[0]!.message.content).toBe('tok tok tok ')

    const { key: other } = await make('second')
    const { blockNumber } = await compute.keys.revoke('first')
    await expectRevoked(baseUrl, key)
    expect(await world.anvil.rpc.getBlockNumber()).toBe(blockNumber)
    expect((await ask(baseUrl, other)).choices).toHaveLength(1)
    await expect(compute.keys.revoke('first')).rejects.toMatchObject({ code: 'key_revoked_already' })
  })

  it('names chain and contract where the broker knows of that, and is of the deployed format where it does not', async () => {
    const { network } = world
    const claimsOf = (key: string) => parseToken(key)!.claims
    expect(claimsOf((await make('bound')).key)).toMatchObject({
      chainId: network.chainId,
      contract: network.inference,
    })
    const blind = await clientOf(
      world,
      world.user,
      undefined,
      misreading('/v1/capabilities', () => '{}'),
    )
    const { key } = await blind.keys.create({ provider: broker.provider, name: 'deployed', lifetimeMs: DAY })
    expect(claimsOf(key)).not.toHaveProperty('contract')
    await blind.close()
  })

  it('never shares its number with another, also when many are made at once', async () => {
    const made = await Promise.all(Array.from({ length: 40 }, (_, i) => make(`many-${i}`)))
    const all = await compute.keys.list()
    expect(new Set(all.map(({ tokenId }) => tokenId)).size).toBe(all.length)
    expect(made.every(({ tokenId }) => tokenId > 0 && tokenId < 255)).toBe(true)
    await expect(make('many-0')).rejects.toMatchObject({ code: 'key_name_taken', exitCode: 2 })
    expect((await make('first')).tokenId).not.toBe(all.find(({ name }) => name === 'first')!.tokenId)
  })

  it('is refused when no number is left, until all are revoked at once', async () => {
    const left = 254 - (await compute.keys.list()).length
    for (let i = 0; i < left; i++) await make(`fill-${i}`)
    await expect(make('one-more')).rejects.toMatchObject({ code: 'keys_exhausted' })
    await compute.keys.revokeAll(broker.provider)
    expect((await compute.keys.list()).every(({ state }) => state === 'revoked')).toBe(true)
    const { key, baseUrl, generation } = await make('afresh')
    expect(generation).toBe(1)
    expect((await ask(baseUrl, key)).choices).toHaveLength(1)
  })

  it('spends no more than its limit, which its owner sees, and is not made where nobody would count', async () => {
    const limit = { amount: 10n ** 12n, per: 'day' } as const
    const request = { provider: broker.provider, lifetimeMs: DAY, limit }
    const { key, baseUrl, id } = await compute.keys.create({ ...request, name: 'limited' })
    expect(parseToken(key)!.claims).toMatchObject({ limit: `${limit.amount}`, limitPer: 'day' })
    const listed = async () => (await compute.keys.list()).find((one) => one.id === id)!
    expect(await listed()).toMatchObject({
      limit: { amount: `${limit.amount}`, per: 'day' },
      spent: { amount: 0n },
    })
    let refusal: { status: number; code: string; error: { details: { remaining: string } } } | null = null
    for (let n = 0; n < 100 && !refusal; n++)
      await ask(baseUrl, key).catch((error) => {
        refusal = error
      })
    expect(refusal).toMatchObject({ status: 402, code: 'key_limit_reached' })
    const { spent } = await listed()
    expect(spent!.amount + BigInt(refusal!.error.details.remaining)).toBe(limit.amount)
    expect(spent!.renewsAt! % DAY).toBe(0)

    const blind = await clientOf(
      world,
      world.user,
      undefined,
      misreading('/v1/capabilities', () => '{"tokenDomain":1}'),
    )
    await expect(blind.keys.create({ ...request, name: 'unlimited' })).rejects.toMatchObject({
      code: 'key_limit_unenforced',
      exitCode: 20,
    })
    expect(await blind.keys.list()).toEqual([])
    await blind.close()
  })

  it('cannot be revoked where there is no account, and says so', async () => {
    const stranger = await clientOf(world, world.anvil.wallets[4] as HDNodeWallet)
    await stranger.keys.create({ provider: broker.provider, name: 'x', lifetimeMs: DAY })
    await expect(stranger.keys.revoke('x')).rejects.toMatchObject({ code: 'key_without_account' })
    await expect(stranger.keys.revoke('y')).rejects.toMatchObject({ code: 'key_unknown', exitCode: 2 })
    await stranger.close()
  })
})

// Theirs lock what lies there for an hour: nothing closes the account before.
describe('a key of an account that was closed, on contracts of ours', () => {
  let shop: Shop
  beforeAll(async () => {
    shop = await openShop({}, 'ours')
  })
  afterAll(() => shop?.stop())

  it('is revoked with it where another was revoked; one that is made before the next deposit serves after it', async () => {
    const { world, broker } = shop
    const wallet = world.anvil.wallets[8] as HDNodeWallet
    const returning = await clientOf(world, wallet)
    const request = { provider: broker.provider, lifetimeMs: DAY }
    await world.fund(wallet)
    await returning.keys.create({ ...request, name: 'before' })
    await returning.keys.create({ ...request, name: 'gone' })
    await returning.keys.revoke('gone')
    await returning.withdraw({ maxWaitSeconds: 60 })
    const between = await returning.keys.create({ ...request, name: 'between' })
    expect(between.hasAccount).toBe(false)
    const states = (await returning.keys.list()).map(({ name, state }) => [name, state])
    expect(states).toEqual([
      ['before', 'revoked'],
      ['gone', 'revoked'],
      ['between', 'active'],
    ])
    await world.fund(wallet)
    expect((await ask(between.baseUrl, between.key)).choices).toHaveLength(1)
    await returning.close()
  })
})

describe('on the command line', () => {
  const run = async (...args: string[]) => {
    const { code, stdout } = await runCli([...args, '--json'], env)
    return { code, value: JSON.parse(stdout) }
  }

  it('a key is made, listed and revoked; it stands on stdout once and in no file', async () => {
    await runCli(['fund', '1', '--provider', broker.provider], env)
    const { code, stdout, stderr } = await runCli(['keys', 'create', 'app'], env)
    expect([code, stderr]).toEqual([0, expect.stringContaining(`${broker.url}/v1/proxy`)])
    const key = stdout.trimEnd()
    expect(key).toMatch(/^app-sk-\S+$/)
    expect(stderr).not.toContain(key)
    expect((await ask(`${broker.url}/v1/proxy`, key)).choices).toHaveLength(1)

    const { value } = await run('keys', 'list')
    expect(value.keys).toMatchObject([{ name: 'app', state: 'active', provider: broker.provider }])
    expect(JSON.stringify(value)).not.toContain(key.slice(20, 60))
    const inDays = (value.keys[0].expiresAt - Date.now()) / DAY
    expect(inDays).toBeGreaterThan(29)
    expect(inDays).toBeLessThanOrEqual(30)

    expect(await run('keys', 'revoke', 'app')).toMatchObject({ code: 0, value: { revoked: 'app' } })
    await expectRevoked(`${broker.url}/v1/proxy`, key)
    expect((await run('keys', 'list')).value.keys).toEqual([])
    expect((await run('keys', 'list', '--all')).value.keys).toMatchObject([{ state: 'revoked' }])
    // What is revoked already is not advised to be revoked.
    expect((await runCli(['keys', 'list', '--all'], env)).stderr).toContain('Next: 0g-compute keys create')
  })

  it('a limit is signed into a key, and shown with what is spent of it', async () => {
    const { value } = await run('keys', 'create', 'demo', '--limit', '0.001', '--per', 'day')
    expect(value.limit).toEqual({ amount: '1000000000000000', per: 'day' })
    await ask(`${broker.url}/v1/proxy`, value.key)
    const [listed] = (await run('keys', 'list')).value.keys.filter(
      (key: { name: string }) => key.name === 'demo',
    )
    expect(BigInt(listed.spent.amount)).toBeGreaterThan(0n)
    const { stdout } = await runCli(['keys', 'list', '--wide'], env)
    expect(stdout).toMatch(/demo .* 0\.0000\d+ of 0\.001 0G today /)
    expect((await runCli(['keys', 'list', '--all'], env)).stderr).toContain(
      'Next: 0g-compute keys revoke demo',
    )
    for (const [code, ...bad] of [
      ['option_invalid', '--per', 'day'],
      ['option_invalid', '--limit', '1', '--per', 'week'],
      ['key_limit_invalid', '--limit', '0'],
      ['key_limit_invalid', '--limit', '10000000000'],
    ])
      expect(await run('keys', 'create', 'x', ...bad)).toMatchObject({ code: 2, value: { code } })
  })

  it('never expires only when that is asked for', async () => {
    expect((await run('keys', 'create', 'ever', '--expires', 'never')).value.expiresAt).toBeNull()
    expect(await run('keys', 'create', 'x', '--expires', 'soon')).toMatchObject({
      code: 2,
      value: { code: 'duration_invalid' },
    })
    expect(await run('keys', 'create', '../x')).toMatchObject({
      code: 2,
      value: { code: 'key_name_invalid' },
    })
    expect(await run('keys', 'revoke')).toMatchObject({ code: 2, value: { code: 'usage' } })
  })
})
