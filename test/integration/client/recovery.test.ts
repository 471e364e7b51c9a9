import type { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AppError } from '../../../src/base/errors.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { ScriptedEngine } from '../../support/scriptedEngine.ts'
import { openShop, type Shop } from '../../support/shop.ts'
import { PRICES, type World } from '../../support/world.ts'
import { approval, misreading, openClients } from './clientOf.ts'

const STEADY = {
  model: 'steady',
  messages: [{ role: 'user', content: 'Say something' }],
  maxTokens: 6,
} as const

let shop: Shop
let world: World
let scripted: ScriptedEngine
let broker: Broker
const { newUser, clientOf } = openClients(() => world)

beforeAll(async () => {
  shop = await openShop()
  ;({ world, scripted, broker } = shop)
})

afterAll(() => shop?.stop())

describe('a client', () => {
  it('whose price is out of date is told before the engine is asked, and pays nothing', async () => {
    const cheaper = (text: string) => text.replaceAll(`"${PRICES.output}"`, `"${PRICES.output - 1n}"`)
    const { compute } = await newUser(misreading('/v1/models', cheaper))
    const before = scripted.requests.length
    await expect(compute.infer(STEADY, approval().hooks)).rejects.toMatchObject({
      code: 'price_changed',
      retryable: true,
      details: { output: PRICES.output.toString() },
    })
    expect(scripted.requests).toHaveLength(before)
    expect(await compute.audit()).toMatchObject({ charged: 0n, difference: 0n })
  })

  it('finds a price that rose a moment ago, and buys at it: asked once, paid once', async () => {
    const { compute } = await newUser()
    await compute.infer(STEADY, approval().hooks)
    const before = scripted.requests.length
    const dear = { input: PRICES.input * 2n, output: PRICES.output * 2n }
    await broker.control.changePrices(dear)
    try {
      // Enough at the price that was read, and not at that of now.
      const maxCost = 300n * PRICES.input + 6n * PRICES.output
      await expect(compute.infer({ ...STEADY, maxCost })).rejects.toMatchObject({ code: 'max_cost_exceeded' })
      expect(scripted.requests).toHaveLength(before)
      const answer = await compute.infer(STEADY, approval().hooks)
      expect(answer.verdict.outcome).toBe('accepted')
      expect(scripted.requests).toHaveLength(before + 1)
      const { promptTokens, completionTokens } = answer.usage!
      expect(answer.fee).toBe(BigInt(promptTokens) * dear.input + BigInt(completionTokens) * dear.output)
      expect(await compute.receipts()).toHaveLength(2)
      expect((await compute.audit()).difference).toBe(0n)
    } finally {
      await broker.control.changePrices(PRICES)
    }
  })

  it('whose money was taken out by another one pays in once more: asked once, paid once', async () => {
    const { compute, wallet } = await newUser()
    await compute.infer(STEADY, approval().hooks)
    const ledger = world.ledger.connect(wallet) as Contract
    await (await ledger.getFunction('retrieveFund')([broker.provider], 'inference-v1.0')).wait()
    const before = scripted.requests.length
    let answers = 0
    const buy = async () => {
      const { sent, hooks } = approval()
      const answer = await compute.infer(STEADY, hooks)
      expect(answer.verdict.outcome).toBe('accepted')
      answers++
      return sent.length
    }
    // The broker reads the account a moment later; until then it serves from what it knew.
    await expect.poll(buy, { timeout: 60_000 }).toBe(1)
    expect(await buy()).toBe(0)
    expect(scripted.requests).toHaveLength(before + answers)
    expect(await compute.receipts()).toHaveLength(1 + answers)
    expect((await compute.audit()).difference).toBe(0n)
  }, 120_000)

  it('whose money was taken out by another one pays in for all that it asks at once', async () => {
    const { compute, wallet } = await newUser()
    await compute.ensureFunds(broker.provider, ONE_0G, approval().hooks)
    const clients = [compute, await clientOf(wallet)] as const
    for (const client of clients) await client.infer(STEADY, approval().hooks)
    const ledger = world.ledger.connect(wallet) as Contract
    await (await ledger.getFunction('retrieveFund')([broker.provider], 'inference-v1.0')).wait()
    // The broker reads the account a moment later: the other client, which may pay nothing in, is told then.
    const refusal = () =>
      clients[1].infer(STEADY).then(
        () => null,
        (error: AppError) => error.code,
      )
    await expect.poll(refusal, { timeout: 60_000 }).toBe('funding_needed')
    const { sent, hooks } = approval()
    const answers = await Promise.all(Array.from({ length: 8 }, () => compute.infer(STEADY, hooks)))
    expect(answers.map(({ verdict }) => verdict.outcome)).toEqual(Array(8).fill('accepted'))
    expect(sent).not.toEqual([])
  }, 120_000)

  it('whose tokens were all revoked makes a new one', async () => {
    const { compute, wallet } = await newUser()
    await compute.infer(STEADY, approval().hooks)
    const serving = world.inference.connect(wallet) as Contract
    await (await serving.getFunction('revokeAllTokens')(broker.provider)).wait()
    expect((await compute.infer(STEADY, approval().hooks)).verdict.outcome).toBe('accepted')
  })

  it('fills the exact shortfall that the broker states, once, and asks again', async () => {
    // So dear that no transfer is worth more answers than there is time for.
    const dear = { input: PRICES.input * 10n ** 6n, output: PRICES.output * 10n ** 6n }
    await broker.control.changePrices(dear)
    try {
      const { compute, wallet } = await newUser()
      await compute.infer({ ...STEADY, maxTokens: 100 }, approval().hooks)
      const forgetful = misreading('/unsettledfee', () => '{"unsettledFee":"0"}')
      const again = await clientOf(wallet, undefined, forgetful)
      const account = await again.account(broker.provider)
      // Asks for as much as lies there, although some of it is owed.
      const maxTokens = Number((account!.balance - 400n * dear.input) / dear.output)
      const { sent, hooks } = approval()
      const answer = await again.infer({ ...STEADY, maxTokens }, hooks)
      expect(answer.verdict.outcome).toBe('accepted')
      // What the ledger lacks is deposited with it, in the same transaction; the smallest deposit of theirs left enough.
      expect(sent.at(-1)).toBe(world.contracts === 'ours' ? 'onboard' : 'transfer')
    } finally {
      await broker.control.changePrices(PRICES)
    }
  })
})
