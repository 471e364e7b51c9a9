import { type HDNodeWallet, toQuantity, Wallet } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_POLICY } from '../../../src/attestation/policy.ts'
import { firstFailure } from '../../../src/attestation/verdict.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'
import { memoryReceiptStore } from '../../../src/client/receipts/memoryReceiptStore.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { ScriptedEngine } from '../../support/scriptedEngine.ts'
import { openShop, type Shop } from '../../support/shop.ts'
import { PRICES, type World } from '../../support/world.ts'
import { approval, firstSteps, openClients } from './clientOf.ts'

const STEADY = {
  model: 'steady',
  messages: [{ role: 'user', content: 'Say something' }],
  maxTokens: 6,
} as const
/** What the scripted engine counts for it. */
const STEADY_FEE = 10n * PRICES.input + 6n * PRICES.output

let shop: Shop
let world: World
let scripted: ScriptedEngine
let broker: Broker
const { newUser, clientOf } = openClients(() => world)

beforeAll(async () => {
  shop = await openShop()
  ;({ world, scripted, broker } = shop)
})

afterEach(() => {
  scripted.delayMs = 0
})

afterAll(() => shop?.stop())

/** A wallet of nobody's, with money. */
async function stranger(): Promise<HDNodeWallet> {
  const wallet = Wallet.createRandom()
  await world.anvil.rpc.send('anvil_setBalance', [wallet.address, toQuantity(10n * ONE_0G)])
  return wallet
}

describe('an answer', () => {
  it.each([true, false])('is bought by someone who never was here, stream %s', async (stream) => {
    const { compute } = await newUser()
    const { sent, hooks } = approval()
    const pieces: string[] = []
    const chat = compute.chat({ ...STEADY, stream }, hooks)
    let step = await chat.next()
    for (; !step.done; step = await chat.next()) pieces.push(step.value)
    const answer = step.value
    expect(sent).toEqual(firstSteps(world.contracts))
    expect(firstFailure(answer.verdict)).toBeNull()
    expect(answer.verdict).toMatchObject({ outcome: 'accepted', assurance: 'simulated' })
    expect(answer).toMatchObject({
      text: pieces.join(''),
      model: 'steady',
      provider: broker.provider,
      fee: STEADY_FEE,
      usage: { promptTokens: 10, completionTokens: 6 },
    })
    expect(answer.text.split(' ')).toHaveLength(7)
    expect(await compute.receipts()).toMatchObject([{ signed: answer.receipt, outcome: 'accepted' }])
  })

  it('is rejected where it counts more tokens a byte than the policy allows', async () => {
    const wallet = await stranger()
    const verdicts = []
    for (const maxTokensPerByte of [0.5, 0.1]) {
      const policy = { ...DEFAULT_POLICY, maxTokensPerByte }
      const compute = await clientOf(wallet, memoryReceiptStore(), nodeRuntime(), policy)
      const { verdict } = await compute.infer({ ...STEADY, maxTokens: 100 }, approval().hooks)
      verdicts.push([verdict.outcome, firstFailure(verdict)?.name ?? null])
    }
    expect(verdicts).toEqual([
      ['accepted', null],
      ['rejected', 'counts'],
    ])
  })

  it('about an image costs what the engine makes of that, which its few bytes do not say', async () => {
    const { compute } = await newUser()
    const { hooks } = approval()
    const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } } as const
    const messages = [{ role: 'user', content: [image] }] as const
    const { verdict, usage, fee } = await compute.infer({ ...STEADY, messages }, hooks)
    expect(firstFailure(verdict)).toBeNull()
    expect(usage?.promptTokens).toBe(1000)
    expect(fee).toBe(1000n * PRICES.input + 6n * PRICES.output)
  })

  it('finds the money that the one before left', async () => {
    const { compute } = await newUser()
    const { sent, hooks } = approval()
    const first = await compute.infer(STEADY, hooks)
    const second = await compute.infer(STEADY, hooks)
    expect(sent).toEqual(firstSteps(world.contracts))
    expect(second.receipt!.receipt.cumulative).toBe(first.receipt!.receipt.cumulative + STEADY_FEE)
  })

  it('is accepted each of 32 at once from two clients of one account', async () => {
    const { compute, wallet } = await newUser()
    await compute.ensureFunds(broker.provider, ONE_0G, approval().hooks)
    const another = await clientOf(wallet)
    scripted.delayMs = 2
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, i) => (i % 2 ? compute : another).infer(STEADY, approval().hooks)),
    )
    expect(answers.map(({ verdict }) => firstFailure(verdict))).toEqual(Array(32).fill(null))
    expect(new Set(answers.map(({ receipt }) => receipt!.receipt.seq)).size).toBe(32)
  })

  it('takes what it needs from the wallet once when many start at once', async () => {
    const { compute } = await newUser()
    const { sent, hooks } = approval()
    const answers = await Promise.all(Array.from({ length: 64 }, () => compute.infer(STEADY, hooks)))
    expect(answers.every(({ verdict }) => verdict.outcome === 'accepted')).toBe(true)
    expect(sent).toEqual(firstSteps(world.contracts))
  })
})

describe('nothing is sent', () => {
  const requests = () => scripted.requests.length

  it.each([
    ['provider_unknown', { provider: '0x1111111111111111111111111111111111111111' as const }],
    ['model_unknown', { model: 'no such model' }],
    ['max_cost_exceeded', { maxCost: 1n }],
  ])('for %s', async (code, change) => {
    const { compute } = { compute: await clientOf(world.user) }
    const before = requests()
    await expect(compute.infer({ ...STEADY, ...change }, approval().hooks)).rejects.toMatchObject({ code })
    expect(requests()).toBe(before)
  })

  it('to a provider that was named and is dearer than what is accepted', async () => {
    const compute = await clientOf(world.user)
    const before = requests()
    const request = { ...STEADY, provider: broker.provider, preferences: { maxPrice: PRICES.output - 1n } }
    await expect(compute.infer(request, approval().hooks)).rejects.toMatchObject({
      code: 'no_suitable_provider',
    })
    expect(requests()).toBe(before)
  })

  it('without approval of the transactions that it needs', async () => {
    const wallet = await stranger()
    const compute = await clientOf(wallet)
    const before = requests()
    await expect(compute.infer(STEADY)).rejects.toMatchObject({ code: 'funding_needed', exitCode: 5 })
    expect(requests()).toBe(before)
    expect(await world.anvil.rpc.getTransactionCount(wallet.address)).toBe(0)
  })
})

describe('an answer that breaks off', () => {
  it('says so, keeps the receipt for what came, and adds up', async () => {
    const wallet = world.user
    await world.fund(wallet)
    const compute = await clientOf(wallet)
    const pieces: string[] = []
    const chat = compute.chat({ ...STEADY, model: 'dies', maxTokens: 9 }, approval().hooks)
    const failure = await (async () => {
      for (let step = await chat.next(); !step.done; step = await chat.next()) pieces.push(step.value)
    })().catch((error: unknown) => error)
    expect(pieces.join('')).toBe('t0 t1 t2 t3 t4 ')
    expect(failure).toMatchObject({ code: 'engine_died', retryable: true })
    const fee = BigInt((failure as { details: { fee: string } }).details.fee)
    expect(fee).toBeLessThanOrEqual(100n * PRICES.input + 5n * PRICES.output)
    const [stored] = await compute.receipts()
    expect(stored).toMatchObject({ outcome: 'incomplete', signed: { receipt: { fee } } })
    expect(await compute.audit()).toMatchObject({ charged: fee, difference: 0n })
  })

  it('can be ended by the user, who pays for what came', async () => {
    const compute = await clientOf(world.user)
    scripted.delayMs = 20
    const controller = new AbortController()
    const chat = compute.chat({ ...STEADY, maxTokens: 500, signal: controller.signal }, approval().hooks)
    await chat.next()
    controller.abort()
    const failure = await (async () => {
      while (!(await chat.next()).done);
    })().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'answer_cut' })
  })
})

describe('an audit', () => {
  it('fetches every receipt that this machine lacks, and finds each neuron', async () => {
    const { compute, wallet } = { compute: await clientOf(world.user), wallet: world.user }
    for (let i = 0; i < 3; i++) await compute.infer(STEADY, approval().hooks)
    const elsewhere = memoryReceiptStore()
    const fresh = await clientOf(wallet, elsewhere)
    const audit = await fresh.audit()
    const [provider] = audit.providers
    expect(provider!.unexplained).toEqual([])
    expect(provider!.fetched).toBe(provider!.receipts)
    expect(provider!.receipts).toBeGreaterThanOrEqual(4)
    expect(provider!.withoutAnswer).toEqual({ receipts: provider!.receipts, charged: audit.charged })
    expect(audit).toMatchObject({ difference: 0n, paid: 0n, unsettled: audit.charged })
  })

  it('adds up after settlement, and again with a provider that is gone', async () => {
    const store = memoryReceiptStore()
    const compute = await clientOf(world.user, store)
    await compute.infer(STEADY, approval().hooks)
    await compute.audit()
    await broker.stop()
    const audit = await compute.audit()
    expect(audit.providers[0]).toMatchObject({
      unsettled: null,
      unexplained: [],
      unreachable: expect.objectContaining({ code: 'provider_unreachable' }),
    })
    expect(audit).toMatchObject({ difference: 0n, paid: audit.charged })
    expect(audit.paid).toBeGreaterThan(0n)
    expect(audit.providers[0]!.settlements.length).toBeGreaterThan(0)
  })

  it('names what the chain took beyond all receipts', async () => {
    const forgetful = await clientOf(world.user)
    const audit = await forgetful.audit()
    expect(audit.difference).toBe(audit.paid)
    expect(audit.providers[0]!.unexplained).toMatchObject([
      { kind: 'paid_without_receipt', amount: audit.paid },
    ])
  })

  it('answers are no longer to be had from a provider that is down', async () => {
    const compute = await clientOf(world.user)
    await expect(compute.infer(STEADY, approval().hooks)).rejects.toMatchObject({
      code: 'provider_unreachable',
      retryable: true,
    })
  })
})
