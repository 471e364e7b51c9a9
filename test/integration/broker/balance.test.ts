import type { HDNodeWallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { type Bench, startBench } from '../../support/brokerBench.ts'
import { PRICES, tokenOf } from '../../support/world.ts'

let bench: Bench

beforeAll(async () => {
  // The deployed contracts take no account as small as these.
  bench = await startBench({ errorStyle: 'compat' }, 'ours')
})

afterAll(() => bench?.stop())

const keyOf = async (wallet: HDNodeWallet) => ({
  authorization: `Bearer ${await tokenOf(wallet, bench.broker.provider)}`,
})

describe('a request that cannot be paid in full', () => {
  it('is capped where the caller allows it, to what the balance pays', async () => {
    const poor = bench.world.anvil.wallets[7]!
    const body = bench.chat({ max_tokens: 1000 })
    const prompt = BigInt(body.length + 64)
    await bench.world.fund(poor, prompt * PRICES.input + 20n * PRICES.output + 1n)
    const key = await keyOf(poor)
    const before = bench.scripted.requests.length
    expect((await bench.post(body, key)).status).toBe(400)
    expect(bench.scripted.requests.length).toBe(before)
    const capped = await bench.post(body, { ...key, 'zg-cap-output': 'balance' })
    expect(capped.status).toBe(200)
    expect(capped.headers.get('zg-capped-to')).toBe('20')
    expect(JSON.parse(bench.scripted.requests.at(-1)!.body).max_tokens).toBe(20)
    expect(JSON.parse(capped.text).usage.completion_tokens).toBe(20)
  })

  it('is refused all the same when not one token can be paid', async () => {
    const poor = bench.world.anvil.wallets[8]!
    await bench.world.fund(poor, 1000n)
    const before = bench.scripted.requests.length
    const refused = await bench.post(bench.chat(), { ...(await keyOf(poor)), 'zg-cap-output': 'balance' })
    expect(refused.status).toBe(400)
    expect(bench.scripted.requests.length).toBe(before)
  })

  it('is left as it is when it can be paid', async () => {
    const answer = await bench.post(bench.chat(), { 'zg-cap-output': 'balance' })
    expect(answer.headers.get('zg-capped-to')).toBeNull()
  })
})

describe('with --compat', () => {
  it.each([
    ['a bad token', { authorization: 'Bearer app-sk-AAAA' }],
    ['no token', { authorization: '' }],
  ])('%s is answered 400 with a string, as the present broker does', async (_name, headers) => {
    const answer = await bench.post(bench.chat(), headers)
    expect(answer.status).toBe(400)
    expect(Object.keys(JSON.parse(answer.text))).toEqual(['error'])
    expect(typeof JSON.parse(answer.text).error).toBe('string')
  })

  it('an account that is too small says insufficient balance', async () => {
    const answer = await bench.post(bench.chat(), await keyOf(bench.world.anvil.wallets[8]!))
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.text).error).toMatch(/^insufficient balance: /)
  })
})

describe('without a new head', () => {
  it('for a minute only what is known of a balance counts, and after five nobody is served', async () => {
    const { broker, world, chat, post } = bench
    const engine = await attachUrlEngine({ target: bench.scripted.target, logger: silentLogger })
    expect((await post(chat())).status).toBe(200)
    const { Admission } = await import('../../../src/provider/server/admit.ts')
    const { AccountBook } = await import('../../../src/provider/accounts.ts')
    const ledger = {
      totals: () => ({ charged: 0n, paid: 0n }),
      openSettlement: () => null,
      refresh: () => undefined,
      owed: () => 0n,
    }
    const clock = { now: Date.now() }
    const accounts = new AccountBook({
      rpc: world.anvil.rpc,
      contract: world.inference,
      provider: broker.provider,
      log: silentLogger,
      pollMs: 10_000,
      blocksOnDemand: false,
      now: () => clock.now,
    })
    await accounts.start()
    const account = await accounts.get(world.user.address as `0x${string}`)
    const admission = new Admission(
      { provider: broker.provider, accounts, ledger: ledger as never, engine },
      () => clock.now,
    )
    const claims = { address: world.user.address as `0x${string}`, generation: 0, tokenId: 255 }
    let refreshed = 0
    const refresh = async () => {
      refreshed++
      return account
    }
    const visitor = {
      claims: claims as never,
      auth: 'bearer' as const,
      signed: null,
      limit: null,
      account,
      refresh,
    }
    const { parseObject, readInferenceRequest } = await import(
      '../../../src/provider/server/inferenceRequest.ts'
    )
    const raw = Buffer.from(chat())
    const request = readInferenceRequest('chat/completions', raw, parseObject(raw), engine.models)
    const admit = (prices: { input: bigint; output: bigint }) =>
      admission.admit({ visitor, request, prices, tiers: [], mayCap: false }).then(
        () => 'admitted',
        (error) => error.code,
      )
    const dear = { input: 10n ** 18n, output: 10n ** 18n }
    expect([await admit(PRICES), await admit(dear), refreshed]).toEqual([
      'admitted',
      'balance_insufficient',
      1,
    ])
    clock.now += 61_000
    expect([await admit(PRICES), await admit(dear), refreshed]).toEqual(['admitted', 'chain_stale', 1])
    clock.now += 240_000
    expect(await admit(PRICES)).toBe('chain_stale')
    await accounts.stop()
    await engine.stop()
  })
})
