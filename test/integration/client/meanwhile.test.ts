import { join } from 'node:path'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Provider } from 'ethers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { Budget } from '../../../src/cli/mcp/budget.ts'
import { infer } from '../../../src/cli/mcp/infer.ts'
import { Arguments } from '../../../src/cli/mcp/tool.ts'
import { openCompute } from '../../../src/client/openCompute.ts'
import type { PurchaseRequest } from '../../../src/client/purchase/purchase.ts'
import { openShop, type Shop } from '../../support/shop.ts'
import { approval, firstSteps, openClients } from './clientOf.ts'

let shop: Shop
const { newUser } = openClients(() => shop.world)

beforeAll(async () => {
  shop = await openShop()
})

beforeEach(() => {
  shop.scripted.delayMs = 0
})

afterAll(() => shop?.stop())

/** Some 20 seconds where the engine takes 10 ms for a token. */
const LONG: PurchaseRequest = {
  endpoint: '/v1/chat/completions',
  body: { model: 'steady', messages: [{ role: 'user', content: 'x' }], max_tokens: 2000, stream: true },
  limitsTokens: false,
}

async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // What a weak reference gave out is held until the turn is over.
  await setImmediate()
  collect()
  await setImmediate()
}

describe('money', () => {
  it('moves once for two processes of which one starts while the other asks', async () => {
    const { broker, world } = shop
    const { wallet } = await newUser()
    const stateDir = join(world.dir, wallet.address)
    const account = { address: wallet.address as Address, signer: (rpc: Provider) => wallet.connect(rpc) }
    const start = () => openCompute({ network: world.network, account, stateDir })
    const [first, second] = [await start(), await start()]
    const { sent, hooks } = approval()
    let other: Promise<unknown> | undefined
    const approve = async () => {
      other = second.ensureFunds(broker.provider, ONE_0G, hooks)
      // It would be done by then, had it not to wait.
      await Promise.race([other, sleep(500)])
      return true
    }
    await first.ensureFunds(broker.provider, ONE_0G, { ...hooks, approve })
    await other
    expect(sent).toEqual(firstSteps(world.contracts))
    for (const compute of [first, second]) await compute.close()
  })

  it('does not move for a caller who has left, and no further for one who leaves', async () => {
    const { broker, world } = shop
    const { compute } = await newUser()
    const { sent, hooks } = approval()
    const gone = new AbortController()
    const asked = compute.buy({ ...LONG, signal: gone.signal }, { ...hooks, onOffer: () => gone.abort() })
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' })
    expect(sent).toEqual([])
    const going = new AbortController()
    const { signal } = going
    const onMined = () => going.abort()
    const funded = compute.ensureFunds(broker.provider, ONE_0G, { ...hooks, onMined, signal })
    const steps = firstSteps(world.contracts)
    if (steps.length === 1) await funded
    else await expect(funded).rejects.toMatchObject({ name: 'AbortError' })
    expect(sent).toEqual(steps.slice(0, 1))
  })

  it('is not taken from a budget for a request that never left', async () => {
    const { compute } = await newUser()
    const budget = new Budget(ONE_0G)
    const left = new AbortController()
    const approve = () => {
      left.abort()
      return true
    }
    const desk = {
      compute,
      budget,
      maxCost: undefined,
      provider: undefined,
      preferences: {},
      funding: { approve },
    }
    const prompt = new Arguments({ prompt: 'x', model: 'steady', max_tokens: 3 })
    await expect(infer.run(desk, prompt, left.signal)).rejects.toMatchObject({ name: 'AbortError' })
    expect(budget.spent).toBe(0n)
    expect(budget.left).toBe(ONE_0G)
  })

  it('moves with a wallet that was locked when it was first asked', async () => {
    const { network } = shop.world
    const { wallet } = await newUser()
    const { sent, hooks } = approval()
    let asked = 0
    const signer = (rpc: Provider) => {
      if (asked++ === 0) throw new Error('locked')
      return wallet.connect(rpc)
    }
    const compute = await openCompute({ network, account: { address: wallet.address as Address, signer } })
    await expect(compute.deposit(5n * ONE_0G, hooks)).rejects.toThrow('locked')
    for (let i = 0; i < 2; i++) await compute.deposit(5n * ONE_0G, hooks)
    expect([sent, asked]).toEqual([['deposit', 'deposit'], 2])
    await compute.close()
  })
})

describe('an answer under way', () => {
  it('is ended where it is given up before anything of it was read', async () => {
    const { scripted } = shop
    const { compute } = await newUser()
    scripted.delayMs = 10
    const { aborted } = scripted
    const { pieces } = await compute.buy(LONG, approval().hooks)
    await pieces.return(undefined as never)
    await expect.poll(() => scripted.aborted).toBe(aborted + 1)
  })

  it('is ended by its signal, whatever became meanwhile of the request that carried it', async () => {
    const { scripted } = shop
    const { compute } = await newUser()
    const { baseURL, fetch } = await compute.openai({ budget: ONE_0G })
    scripted.delayMs = 10
    const { aborted } = scripted
    const left = new AbortController()
    const { signal } = left
    const request = { method: 'POST', body: JSON.stringify(LONG.body), signal }
    const response = await fetch(`${baseURL}/chat/completions`, request)
    await response.body!.getReader().read()
    await collectGarbage()
    left.abort()
    await expect.poll(() => scripted.aborted).toBe(aborted + 1)
  })
})
