import { afterAll, beforeAll, expect, it } from 'vitest'
import { findService } from '../../../src/chain/inference.ts'
import { type Bench, startBench } from '../../support/brokerBench.ts'

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})

afterAll(() => bench?.stop())

it('of two changes of the price at the same moment the second stands, here and on chain', async () => {
  const { broker, world } = bench
  const { control, provider } = broker
  const { input } = control.prices
  await Promise.all([control.changeTokenPrices({ input: 2n * input }), control.changeTokenPrices({ input })])
  expect(control.prices.input).toBe(input)
  expect((await findService(world.inference, provider))?.inputPrice).toBe(input)
})
