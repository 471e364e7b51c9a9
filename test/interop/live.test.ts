import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Contract, HDNodeWallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../src/base/hex.ts'
import { silentLogger } from '../../src/base/log.ts'
import { ONE_0G } from '../../src/base/units.ts'
import { BUILT_IN_NETWORKS, type NetworkProfile } from '../../src/chain/networks.ts'
import { prepareBody } from '../../src/client/purchase/prepareBody.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import { clientOf } from '../integration/client/clientOf.ts'
import { runCli } from '../support/cli.ts'
import { type ScriptedEngine, startScriptedEngine } from '../support/scriptedEngine.ts'
import { startWorld, type World } from '../support/world.ts'

/** What a broker of the live network lists: several models, one with tiers, with prices in dollars beside. */
const MODELS = {
  object: 'list',
  data: [
    { id: 'small', object: 'model', pricing: { prompt: '100', completion: '400' } },
    {
      id: 'large',
      object: 'model',
      canonical_id: 'vendor/large',
      context_length: 131_072,
      pricing: {
        prompt: '1000',
        completion: '4000',
        tiered_pricing: [
          { max_input_tokens: 8, input_multiplier: 1, output_multiplier: 1 },
          { max_input_tokens: 0, input_multiplier: 3, input_multiplier_denominator: 2, output_multiplier: 2 },
        ],
      },
      pricing_usd: { prompt: '0.0000004', completion: '0.0000016' },
    },
  ],
}

const DEAD = 'http://127.0.0.1:1'
let world: World
let scripted: ScriptedEngine
let engine: Engine
let centralized: Address
/** The provider's server, and the network's monitoring of it. */
const server = createServer((req, res) => {
  const services = [
    { provider: centralized, model: 'small', status: 'healthy', checks: { uptime: 99.5 } },
    { provider: centralized, model: 'large', status: 'warning', checks: { uptime: 81 } },
    { provider: 7 },
  ]
  const body = { '/v1/models': MODELS, '/health': { services } }[req.url ?? '']
  res.writeHead(body ? 200 : 404, { 'content-type': 'application/json' })
  res.end(JSON.stringify(body ?? { error: 'unknown' }))
})
const serverUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld('theirs'), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  await world.startBroker(engine)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  centralized = await registerCentralized(world.anvil.wallets[6] as HDNodeWallet)
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
  await new Promise((resolve) => server.close(resolve))
})

/** As a forwarder to a company's models registers. */
async function registerCentralized(wallet: HDNodeWallet): Promise<Address> {
  const params = {
    serviceType: 'chatbot',
    url: serverUrl(),
    model: 'small',
    verifiability: 'TeeTLS',
    inputPrice: 100n,
    outputPrice: 400n,
    additionalInfo: JSON.stringify({ ProviderType: 'centralized', TargetSeparated: true, MultiModel: true }),
    teeSignerAddress: wallet.address,
  }
  const serving = world.inference.connect(wallet) as Contract
  await (await serving.getFunction('addOrUpdateService')(params, { value: 100n * ONE_0G })).wait()
  return wallet.address as Address
}

/** The command line with a profile of this chain, as one writes a network of one's own. */
async function run(profile: Partial<NetworkProfile>, ...args: string[]) {
  const home = join(world.dir, `home-${Math.random()}`)
  mkdirSync(home, { recursive: true })
  const { chainId, rpcUrls, ledger, inference, fineTuning } = world.network
  const lab = { chainId, rpcUrls, ledger, inference, fineTuning, ...profile }
  writeFileSync(join(home, 'config.json'), JSON.stringify({ network: 'lab', networks: { lab } }))
  const { stdout } = await runCli([...args, '--json'], { ZG_HOME: home })
  return JSON.parse(stdout)
}

const findings = async (profile: Partial<NetworkProfile>) => {
  const { checks } = await run(profile, 'doctor')
  return Object.fromEntries(checks.map((check: { name: string }) => [check.name, check]))
}

describe('doctor on a network like the live one', () => {
  it('says which RPC answers, what the contracts ask, and who is there', async () => {
    const { network, contracts, providers } = await findings({ rpcUrls: [DEAD, ...world.network.rpcUrls] })
    expect(network).toMatchObject({
      result: 'WARN',
      detail: expect.stringContaining(`${DEAD} does not answer`),
    })
    expect(network.detail).toMatch(/http:\/\/127\.0\.0\.1:\d+ answers in \d+ ms/)
    expect(contracts).toEqual({
      name: 'contracts',
      result: 'PASS',
      detail: 'at least 3 0G for a ledger and 1 for a provider; refunds are locked for 3600 s',
    })
    expect(providers).toEqual({
      name: 'providers',
      result: 'PASS',
      detail: "2 registered, 2 of 2 asked answer; 1 pass requests on to a company's service",
    })
  })

  it('names the contract that is not there', async () => {
    const nowhere = `0x${'12'.repeat(20)}` as Address
    expect((await findings({ fineTuning: nowhere })).contracts).toMatchObject({
      result: 'FAIL',
      detail: `there is no fineTuning contract at ${nowhere}`,
    })
  })

  it('looks at nothing that needs a chain where there is none', async () => {
    const { network, clock, providers, wallet } = await findings({ rpcUrls: [DEAD] })
    expect(network).toMatchObject({ result: 'FAIL', fix: '0g-compute config set rpc <url of another>' })
    for (const check of [clock, providers])
      expect(check).toMatchObject({ result: 'WARN', detail: 'not looked at: it needs network' })
    expect(wallet).toMatchObject({ result: 'FAIL', fix: '0g-compute wallet new' })
  })
})

describe('a provider as the live network has them', () => {
  it('sells every model that it lists, with prices by the size of the prompt and in dollars', async () => {
    const { models } = await run({}, 'provider', 'show', centralized)
    expect(models).toMatchObject([
      { model: 'small', prices: { input: '100', output: '400' } },
      {
        model: 'large',
        prices: { input: '1000', output: '4000' },
        contextLength: 131_072,
        tiers: [
          { upTo: 8, inputPercent: 100, outputPercent: 100 },
          { upTo: null, inputPercent: 150, outputPercent: 200 },
        ],
        usd: { input: '0.0000004', output: '0.0000016' },
      },
    ])
  })

  it('is as well as the network’s monitoring says of the worst of its models', async () => {
    const { providers } = await run({ statusUrl: serverUrl() }, 'provider', 'list')
    const found = providers.find(({ provider }: { provider: string }) => provider === centralized)
    expect(found.status).toEqual({ status: 'warning', uptime: 81 })
    const others = await run({ statusUrl: DEAD }, 'provider', 'list')
    expect(others.providers.map(({ status }: { status: unknown }) => status)).toEqual([null, null])
  })

  it('is bought from at the dearest price that its tiers can come to', async () => {
    const compute = await clientOf(world, world.anvil.wallets[3] as HDNodeWallet)
    const offers = await compute.offers(await compute.provider(centralized))
    await compute.close()
    const body = { messages: [{ role: 'user', content: 'x' }], max_tokens: 10 }
    const spec = { endpoint: '/v1/chat/completions', body, limitsTokens: false } as const
    const worsts = offers.map((offer) => prepareBody(spec, offer).worst)
    // Ten tokens out at 400, and at 4000 × 2; the prompts in at 100, and at 1000 × 1.5: it may be more than 8 tokens.
    const [small, large] = worsts as [bigint, bigint]
    expect((small - 4_000n) % 100n).toBe(0n)
    expect((large - 80_000n) % 1_500n).toBe(0n)
    expect((large - 80_000n) / 1_500n).toBe((small - 4_000n) / 100n)
  })
})

it('the live profiles name the network’s own RPC first', () => {
  expect(BUILT_IN_NETWORKS.map(({ name, rpcUrls }) => [name, rpcUrls[0], rpcUrls.length > 1])).toEqual([
    ['mainnet', 'https://evmrpc.0g.ai', true],
    ['testnet', 'https://evmrpc-testnet.0g.ai', true],
  ])
})
