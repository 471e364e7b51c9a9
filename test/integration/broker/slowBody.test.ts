import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Contract, HDNodeWallet } from 'ethers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'
import { tokenOf } from '../../support/world.ts'

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})

afterAll(() => bench?.stop())

it('a key that is revoked while the body of its request comes is refused', async () => {
  const { world, broker } = bench
  const user = world.anvil.wallets[5] as HDNodeWallet
  await world.fund(user)
  const authorization = `Bearer ${await tokenOf(user, broker.provider)}`
  const ask = () => bench.post(bench.chat(), { authorization })
  expect((await ask()).status).toBe(200)
  const body = bench.chat()
  const headers = { authorization, 'content-length': body.length }
  const slow = request(broker.url + CHAT, { method: 'POST', headers })
  const answered = new Promise<string>((resolve) => slow.once('response', (res) => resolve(text(res))))
  slow.write(body.slice(0, 10))
  await expect.poll(async () => (await broker.control.status()).running).toBe(1)
  const serving = world.inference.connect(user) as Contract
  await (await serving.getFunction('revokeAllTokens')(broker.provider)).wait()
  await expect.poll(async () => (await ask()).code).toBe('token_revoked')
  slow.end(body.slice(10))
  expect(JSON.parse(await answered).error).toMatchObject({ code: 'token_revoked' })
})
