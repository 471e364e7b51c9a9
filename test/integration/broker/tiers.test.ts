import type { HDNodeWallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { firstFailure } from '../../../src/attestation/verdict.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import type { Compute } from '../../../src/client/compute.ts'
import type { ReceiptDetail } from '../../../src/protocol/receipt.ts'
import { type Bench, startBench } from '../../support/brokerBench.ts'
import { approval, clientOf } from '../client/clientOf.ts'

/** The stand-in engine counts ten prompt tokens for anything. */
const TIERS = [
  { above: 5000, input: 300, output: 300 },
  { above: 9, input: 150, output: 200 },
]
const PRICES = { input: 1000n, output: 4000n }

let bench: Bench
let compute: Compute

beforeAll(async () => {
  bench = await startBench({
    prices: { ...PRICES, tiers: TIERS, volume: [{ from: 60_000n, percent: 50 }] },
  })
  compute = await clientOf(bench.world, bench.world.anvil.wallets[5] as HDNodeWallet)
  await compute.ensureFunds(bench.broker.provider, ONE_0G, approval().hooks)
})

afterAll(async () => {
  await compute?.close()
  await bench?.stop()
})

async function ask(change: object = {}, headers: Record<string, string> = {}) {
  const answer = await bench.post(bench.chat(change), headers)
  const id = answer.headers.get('zg-res-key')
  if (!id) return { answer, fee: 0n, detail: null }
  const authorization = `Bearer ${bench.token}`
  const proof = await (
    await fetch(`${bench.broker.url}/v1/proxy/signature/${id}`, { headers: { authorization } })
  ).json()
  const detail = JSON.parse(proof.receipt.detail) as ReceiptDetail
  return { answer, fee: BigInt(proof.receipt.receipt.fee), detail }
}

describe('tiers by the length of the prompt', () => {
  it('stand in /v1/models as the network has them', async () => {
    const { data } = await (await fetch(`${bench.broker.url}/v1/models`)).json()
    const tier = (upTo: number, input: number, output: number) => ({
      max_input_tokens: upTo,
      input_multiplier: input,
      input_multiplier_denominator: 100,
      output_multiplier: output,
      output_multiplier_denominator: 100,
    })
    expect(data[0].pricing.tiered_pricing).toEqual([
      tier(9, 100, 100),
      tier(5000, 150, 200),
      tier(0, 300, 300),
    ])
  })

  it.each([false, true])(
    'are charged by what was counted, and the receipt says how, streamed: %s',
    async (stream) => {
      const { fee, detail } = await ask({ stream, max_tokens: 2 })
      expect(fee).toBe((10n * 1000n * 150n) / 100n + (2n * 4000n * 200n) / 100n)
      expect(detail!.multipliers).toEqual({ input: [150, 100], cachedInput: [150, 100], output: [200, 100] })
      expect(detail!.prices).toEqual({ input: '1000', output: '4000' })
    },
  )

  it('are lowered by what the user was charged in all', async () => {
    const { fee, detail } = await ask({ max_tokens: 2 })
    expect(detail!.multipliers).toEqual({
      input: [7500, 10_000],
      cachedInput: [7500, 10_000],
      output: [10_000, 10_000],
    })
    expect(fee).toBe(15_500n)
  })

  it('are what a request that names its highest price has to accept', async () => {
    const { answer } = await ask({}, { 'zg-max-price': 'input=1000,output=4000' })
    expect([answer.status, answer.code]).toEqual([409, 'price_changed'])
    expect(answer.error).toMatchObject({ details: { input: '1500', output: '8000' } })
    const accepted = await ask({}, { 'zg-max-price': 'input=1500,output=8000' })
    expect(accepted.answer.status).toBe(200)
  })

  it('are agreed to, bounded and checked by our client', async () => {
    let worst = 0n
    const onOffer = (_offer: unknown, cost: bigint) => {
      worst = cost
    }
    const pieces = compute.chat(
      { model: 'steady', messages: [{ role: 'user', content: 'hi' }], maxTokens: 3 },
      { ...approval().hooks, onOffer },
    )
    let step = await pieces.next()
    while (!step.done) step = await pieces.next()
    const { verdict, fee } = step.value
    expect(firstFailure(verdict)).toBeNull()
    expect(fee).toBe(15n * 1000n + 3n * 8000n)
    expect(worst).toBeGreaterThanOrEqual(fee!)
    expect((worst - 3n * 8000n) % 1500n).toBe(0n)
  })
})
