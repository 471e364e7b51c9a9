import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ONE_0G } from '../../../src/base/units.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { runCli } from '../../support/cli.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { silence } from '../../support/recording.ts'
import type { ScriptedEngine } from '../../support/scriptedEngine.ts'
import { openShop, type Shop } from '../../support/shop.ts'
import type { World } from '../../support/world.ts'

let shop: Shop
let world: World
let scripted: ScriptedEngine
let broker: Broker
let devnet: Record<string, string>

beforeAll(async () => {
  shop = await openShop()
  ;({ world, scripted, broker } = shop)
  devnet = devnetHome(world, broker.url)
  writeFileSync(join(world.dir, 'talk.wav'), silence(1))
})

afterAll(() => shop?.stop())

const STEADY = ['--model', 'steady', '--max-tokens', '3']

async function json(args: string[], env = devnet, input = '') {
  const { code, stdout, stderr } = await runCli([...args, '--json'], env, input)
  expect(stdout.trimEnd(), stderr).not.toContain('\n')
  return { code, stderr, value: JSON.parse(stdout) }
}

describe('a user on a devnet', () => {
  it('finds it by itself, and is told so on stderr', async () => {
    const { code, stdout, stderr } = await runCli(['wallet', 'show'], devnet)
    expect(code).toBe(0)
    expect(stdout).toContain(world.user.address)
    expect(stderr).toContain('devnet')
  })

  it('sees who sells what, and one provider in full', async () => {
    const { value } = await json(['provider', 'list'])
    expect(value.providers).toMatchObject([{ provider: broker.provider, acknowledged: true }])
    expect(value.providers[0].latencyMs).toEqual(expect.any(Number))
    const shown = await json(['provider', 'show', broker.provider])
    expect(shown.value.models.map(({ model }: { model: string }) => model)).toContain('steady')
    expect(shown.value.verdict).toMatchObject({ outcome: 'accepted', assurance: 'simulated' })
  })

  it('compares prices in dollars at the rate that was given, with dated list prices, and none without a rate', async () => {
    const { value } = await json(['provider', 'list', '--compare', '--usd-rate', '0.5'])
    // 10^9 neuron a token are 0.001 0G for a million.
    expect(value.providers).toEqual([
      { provider: broker.provider, model: 'steady', input: 0.0005, output: 0.002 },
    ])
    expect(value).toMatchObject({
      usdRate: '0.5',
      source: { readOn: expect.stringMatching(/^20\d\d-\d\d-\d\d$/) },
    })
    const { stdout } = await runCli(['provider', 'list', '--compare'], { ...devnet, ZG_USD_RATE: '0.5' })
    expect(stdout).toMatch(/steady +0x\w{4}…\w{4} +0\.00050 +0\.0020\n/)
    expect(stdout).not.toMatch(/cheaper|sav(e|ing)/)
    expect(await json(['provider', 'list', '--compare'])).toMatchObject({
      code: 2,
      value: { code: 'usd_rate_needed' },
    })
  })

  it('gets the text on stdout and everything else on stderr, each transaction before it is sent', async () => {
    const { code, stdout, stderr } = await runCli(['infer', 'Say something', ...STEADY], devnet)
    expect([code, stdout]).toEqual([0, 't0 t1 t2 \n'])
    const steps = {
      ours: ['Sending 1 of 1 (gas', 'open your account'],
      theirs: ['Sending 1 of 2 (gas', 'Sending 2 of 2 (gas', 'deposit 3 0G', 'move 1 0G from your ledger'],
    }[world.contracts]
    const lines = ['Transactions on devnet:', ...steps, 'Verdict: accepted (assurance: simulated)']
    for (const line of lines) expect(stderr).toContain(line)
    expect(stderr.indexOf('Transactions on devnet:')).toBeLessThan(stderr.indexOf(steps[0]!))
  })

  it('asks from stdin, with a system prompt; the contents of neither are kept', async () => {
    const args = ['infer', '--system', 'canary-system', '--no-stream', ...STEADY]
    const { code, value } = await json(args, devnet, 'canary-prompt\n')
    expect(code).toBe(0)
    expect(value).toMatchObject({ verdict: 'accepted', usage: { prompt_tokens: 10, completion_tokens: 3 } })
    const sent = JSON.parse(scripted.requests.at(-1)!.body)
    expect(sent.messages).toEqual([
      { role: 'system', content: 'canary-system' },
      { role: 'user', content: 'canary-prompt' },
    ])
    const shown = await runCli(['receipts', 'show', value.id, '--json'], devnet)
    expect(shown.stdout).not.toContain('canary')
    expect(JSON.parse(shown.stdout)).toEqual({
      ...value.receipt,
      source: 'answer',
      outcome: 'accepted',
      savedAt: expect.any(Number),
    })
  })

  it('is told that nobody sells images, not who does not', async () => {
    for (const args of [
      ['image', 'red'],
      ['image', 'red', '--model', 'steady'],
      ['transcribe', join(world.dir, 'talk.wav')],
    ])
      expect((await json(args)).value).toMatchObject({
        code: 'no_provider',
        message: expect.stringMatching(/^Nobody sells (images|speech to text) on devnet$/),
        next: '0g-compute provider list',
      })
  })

  it('keeps receipts and has them compared with the chain', async () => {
    const { value } = await json(['receipts', 'list'])
    expect(value.total).toBe(2)
    const audit = await json(['receipts', 'audit'])
    expect([audit.code, audit.value.difference]).toEqual([0, '0'])
    expect(await json(['receipts', 'show', 'ffffffff'])).toMatchObject({
      code: 1,
      value: { code: 'receipt_unknown' },
    })
  })

  it('keeps or passes over providers by price and lists, in the order asked for', async () => {
    const listed = async (...args: string[]) =>
      (await json(['provider', 'list', ...args])).value.providers.length
    expect(await listed('--allow', broker.provider, '--sort', 'latency')).toBe(1)
    expect(await listed('--max-price', '0.004')).toBe(1)
    for (const args of [
      ['--deny', broker.provider],
      ['--allow', world.user.address],
      ['--max-price', '0.003999'],
    ])
      expect(await listed(...args), args.join(' ')).toBe(0)
    const { stdout } = await runCli(['provider', 'list', '--deny', broker.provider], devnet)
    expect(stdout).toBe('None of 1 provider is what you asked for.\n')
    expect(await json(['provider', 'list', '--sort', 'taste'])).toMatchObject({
      value: { code: 'option_invalid' },
    })
  })

  it('gets tables of 80 columns where there is no terminal, and everything with --wide', async () => {
    await runCli(['keys', 'create', 'a-key', '--provider', broker.provider], devnet)
    const id = (await json(['receipts', 'list'])).value.receipts[0].detail.match(/"id":"(\w+)"/)[1]
    const whole = { provider: broker.provider, keys: broker.provider, receipts: id }
    for (const [topic, text] of Object.entries(whole)) {
      const narrow = (await runCli([topic, 'list'], devnet)).stdout
      expect(narrow.split('\n').filter((line) => line.length > 80)).toEqual([])
      expect((await runCli([topic, 'list', '--wide'], devnet)).stdout).toContain(text)
    }
  })

  it('is told when the beginning of an id means several receipts', async () => {
    await json(['infer', 'x', ...STEADY])
    await json(['infer', 'x', ...STEADY])
    expect(await json(['receipts', 'show', ''])).toMatchObject({
      code: 2,
      value: { code: 'receipt_ambiguous' },
    })
  })

  it('says what failed when the engine breaks off, and exits 1 with what was shown', async () => {
    const { code, stdout, stderr } = await runCli(
      ['infer', 'x', '--model', 'dies', '--max-tokens', '9'],
      devnet,
    )
    expect([code, stdout]).toEqual([1, 't0 t1 t2 t3 t4 \n'])
    expect(stderr).toContain('(engine_died)')
  })

  it('sees every place of the money, and brings it back', async () => {
    const more = await json(['fund', '0.25', '--provider', broker.provider, '--yes'])
    expect(more.value.transferred).toBe((ONE_0G / 4n).toString())
    const status = await json(['fund', 'status'])
    const owed = BigInt(status.value.subAccounts[0].unsettled)
    expect(owed).toBeGreaterThan(0n)
    const { code, value } = await json(['fund', 'withdraw', '--all'])
    // The provider settles what it earned when it sees the request.
    const all = BigInt(status.value.deposited) - owed
    if (world.contracts === 'ours') {
      expect([code, value.pending, value.withdrawn]).toEqual([0, '0', String(all)])
      expect((await json(['fund', 'withdraw', '--all'])).value.code).toBe('nothing_to_withdraw')
      return
    }
    // Locked for an hour there: what is free comes now, the rest when the command is run again.
    const free = BigInt(status.value.available)
    expect([code, value.withdrawn]).toEqual([0, String(free)])
    const unsettled = async () => (await json(['fund', 'status'])).value.subAccounts[0].unsettled
    await expect.poll(unsettled).toBe('0')
    await world.anvil.rpc.send('evm_increaseTime', [3600])
    await world.anvil.rpc.send('evm_mine', [])
    const rest = await json(['fund', 'withdraw', '--all'])
    expect(rest).toMatchObject({ code: 0, value: { withdrawn: String(all - free), pending: '0' } })
    expect((await json(['fund', 'withdraw', '--all'])).value.code).toBe('nothing_to_withdraw')
  })

  it('with an empty wallet learns the exact shortfall, exit 5', async () => {
    const env = { ...devnet, ZG_PRIVATE_KEY: `0x${'7'.repeat(64)}` }
    const { code, value } = await json(['infer', 'x', ...STEADY], env)
    expect([code, value.code]).toEqual([5, 'insufficient_funds'])
    const { balance, deposit, maxGasCost, shortfall } = value.details
    expect(BigInt(shortfall)).toBe(BigInt(deposit) + BigInt(maxGasCost) - BigInt(balance))
  })
})

describe('a user on another network', () => {
  let env: Record<string, string>
  let wallet: HDNodeWallet

  beforeAll(async () => {
    wallet = world.anvil.wallets[5] as HDNodeWallet
    const home = join(world.dir, 'another')
    mkdirSync(home)
    const { ledger, inference, fineTuning, rpcUrls, chainId } = world.network
    const lab = { ledger, inference, fineTuning, rpcUrls, chainId }
    writeFileSync(join(home, 'config.json'), JSON.stringify({ network: 'lab', networks: { lab } }))
    env = { ZG_HOME: home, ZG_PRIVATE_KEY: wallet.privateKey }
  })

  const sent = () => world.anvil.rpc.getTransactionCount(wallet.address)

  it('spends nothing unasked: without a terminal it takes --yes', async () => {
    expect(await json(['fund', '3'], env)).toMatchObject({ code: 2, value: { code: 'terminal_needed' } })
    const { stderr } = await runCli(['fund', '3'], env)
    expect(stderr).toMatch(/Transactions on lab:(.|\n)* 0G on lab needs a confirmation/)
    expect(await sent()).toBe(0)
  })

  it('sees what would be sent with --dry-run', async () => {
    const { code, value } = await json(['fund', '3', '--provider', broker.provider, '--dry-run'], env)
    const amount = (3n * ONE_0G).toString()
    expect([code, value.deposit, value.transfer]).toEqual([0, amount, amount])
    const titles = { ours: ['signer 0x'], theirs: ['deposit 3 0G', 'move 3 0G'] }[world.contracts]
    expect(value.steps).toMatchObject(titles.map((title) => ({ title: expect.stringContaining(title) })))
    expect(await sent()).toBe(0)
  })

  it('deposits with --yes', async () => {
    expect(await json(['fund', '3', '--yes'], env)).toMatchObject({
      code: 0,
      value: { deposited: (3n * ONE_0G).toString() },
    })
    expect(await sent()).toBe(1)
  })

  it('pays nothing in at a provider with simulated evidence, exit 10: that would acknowledge its signer', async () => {
    const { code, value } = await json(['fund', '0.25', '--provider', broker.provider, '--yes'], env)
    expect([code, value.code]).toEqual([10, 'provider_rejected'])
    expect(await sent()).toBe(1)
  })

  it('sends nothing to a provider with simulated evidence, exit 10: it counts on a devnet only', async () => {
    const before = scripted.requests.length
    const { code, value } = await json(['infer', 'x', ...STEADY], env)
    expect([code, value.code, value.details]).toEqual([10, 'provider_rejected', { step: expect.any(String) }])
    expect(scripted.requests).toHaveLength(before)
  })
})
