import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifyMessage } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { jsonLogger } from '../../../src/base/log.ts'
import { findAccount } from '../../../src/chain/inference.ts'
import { startAdmin } from '../../../src/provider/admin/adminServer.ts'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'
import { PRICES, tokenOf } from '../../support/world.ts'

let bench: Bench
const lines: string[] = []

beforeAll(async () => {
  bench = await startBench({ log: jsonLogger((line) => void lines.push(line)) })
})

afterAll(() => bench?.stop())

/** Section 6.2 of the specification of the network's present broker lists what these tests rule out. */
describe('weaknesses of the present broker', () => {
  it('B1: a query string does not bypass billing, nor does any other path', async () => {
    const before = { requests: bench.scripted.requests.length, owed: await bench.owed() }
    const paths = [
      `${CHAT}?x=1`,
      `${CHAT}#`,
      `${CHAT}/`,
      '/v1/proxy/v1/v1/chat/completions',
      '/v1/proxy/tokenize',
      '/v1/proxy/',
    ]
    for (const path of paths) {
      for (const headers of [{}, { authorization: '' }]) {
        const { status } = await bench.post(bench.chat(), headers, path === `${CHAT}#` ? `${CHAT}%23` : path)
        expect([400, 404], path).toContain(status)
      }
    }
    expect(bench.scripted.requests.length).toBe(before.requests)
    expect(await bench.owed()).toBe(before.owed)
  })

  it('B2: nothing that changes or shows another’s state is open without its own authorization', async () => {
    for (const path of [
      '/v1/settle',
      '/v1/sync-account',
      '/v1/user',
      '/v1/request',
      '/v1/service',
      '/metrics',
      '/status',
      '/settle',
      '/stop',
    ]) {
      for (const method of ['GET', 'POST']) {
        const response = await fetch(bench.broker.url + path, { method })
        expect(response.status, `${method} ${path}`).toBe(404)
        expect(response.headers.get('access-control-allow-credentials')).toBeNull()
      }
    }
    const other = bench.world.anvil.wallets[5]!
    const key = { authorization: `Bearer ${await tokenOf(other, bench.broker.provider)}` }
    for (const path of ['unsettledfee', 'receipts']) {
      const url = `${bench.broker.url}/v1/user/${bench.world.user.address}/${path}`
      expect((await fetch(url)).status).toBe(401)
      expect((await fetch(url, { headers: key })).status).toBe(403)
    }
  })

  it('B2: the operator’s endpoint wants the token of its file, on loopback, and answers no page of a browser', async () => {
    let stopped = 0
    const dataDir = join(bench.world.dir, 'admin')
    const admin = await startAdmin({
      control: bench.broker.control,
      dataDir,
      port: 0,
      onStop: () => stopped++,
    })
    const { token } = JSON.parse(readFileSync(join(dataDir, 'admin.json'), 'utf8'))
    expect(admin.url).toMatch(/^http:\/\/127\.0\.0\.1:/)
    for (const authorization of [
      '',
      'Bearer',
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -1)}`,
      `Bearer ${'x'.repeat(token.length)}`,
    ]) {
      for (const [method, path] of [
        ['GET', '/status'],
        ['POST', '/settle'],
        ['POST', '/prices'],
        ['POST', '/stop'],
      ]) {
        expect((await fetch(admin.url + path, { method: method!, headers: { authorization } })).status).toBe(
          401,
        )
      }
    }
    expect(stopped).toBe(0)
    const metrics = await (await fetch(`${admin.url}/metrics`)).text()
    expect(metrics).toMatch(/^broker_requests_total\{.*status="401"/m)
    const status = await (
      await fetch(`${admin.url}/status`, { headers: { authorization: `Bearer ${token}` } })
    ).json()
    expect(status).toMatchObject({ provider: bench.broker.provider, ready: true })
    await admin.stop()
  })

  it('B3: the old headers, whole, in part or broken, are 401 and crash nothing', async () => {
    const old = { address: bench.world.user.address, 'session-token': '{}', 'session-signature': '0x00' }
    for (const headers of [
      {},
      { address: '0x0' },
      { ...old },
      { ...old, 'vllm-proxy': '' },
      { 'vllm-proxy': 'true' },
    ]) {
      expect(await bench.post(bench.chat(), { authorization: '', ...headers })).toMatchObject({ status: 401 })
    }
    expect((await bench.post(bench.chat())).status).toBe(200)
  })

  it('B4: a streamed answer that ends in [DONE] is signed', async () => {
    const answer = await bench.post(bench.chat({ stream: true }))
    expect(answer.text).toMatch(/data: \[DONE\]\n\n$/)
    const id = answer.headers.get('zg-res-key')
    const proof = await (await fetch(`${bench.broker.url}/v1/proxy/signature/${id}`)).json()
    expect(verifyMessage(proof.text, proof.signature)).toBe(bench.world.tee.signer)
  })

  it('B10: amounts beyond 64 bits are counted to the neuron', async () => {
    const dear = { input: 3n * 10n ** 13n, output: 7n * 10n ** 13n }
    await bench.broker.control.changePrices(dear)
    const before = await bench.owed()
    expect((await bench.post(bench.chat())).status).toBe(200)
    expect((await bench.owed()) - before).toBe(10n * dear.input + 4n * dear.output)
    await bench.broker.control.changePrices(PRICES)
  })

  it('B11: a slow look-up of one user holds up nobody else', async () => {
    const { rpc } = bench.world.anvil
    const send = rpc._send.bind(rpc)
    const gate = Promise.withResolvers<void>()
    rpc._send = async (payload) => {
      if ([payload].flat().some(({ method }) => method === 'eth_call')) await gate.promise
      return send(payload)
    }
    try {
      const key = {
        authorization: `Bearer ${await tokenOf(bench.world.anvil.wallets[9]!, bench.broker.provider)}`,
      }
      const slow = bench.post(bench.chat(), key)
      // Served while the other's look-up has no answer at all.
      expect((await bench.post(bench.chat())).status).toBe(200)
      gate.resolve()
      expect(await slow).toMatchObject({ status: 402, code: 'account_missing' })
    } finally {
      gate.resolve()
      rpc._send = send
    }
  })

  it('B12: an engine that fails is told to the client, logged, counted, and costs nothing', async () => {
    const before = await bench.owed()
    lines.length = 0
    expect(await bench.post(bench.chat({ model: 'fails' }))).toMatchObject({
      status: 502,
      code: 'engine_failed',
    })
    expect(await bench.owed()).toBe(before)
    const logged = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'request_failed')
    expect(logged).toMatchObject([{ level: 'warn', code: 'engine_failed' }])
    expect(await bench.broker.control.metrics.text()).toMatch(
      /^broker_request_failures_total\{code="engine_failed".*\} [1-9]/m,
    )
  })

  it('B14: debts of more than 9.22 0G together are settled like any other', async () => {
    await bench.world.fund(bench.world.user, 30n * 10n ** 18n)
    const dear = { input: 10n ** 17n, output: 10n ** 17n }
    await bench.broker.control.changePrices(dear)
    const answer = await bench.post(bench.chat({ max_tokens: 100 }))
    expect(answer.status).toBe(200)
    await bench.broker.control.changePrices(PRICES)
    const owed = await bench.owed()
    expect(owed).toBeGreaterThan(2n ** 63n - 1n)
    expect(await bench.broker.control.settle()).toMatchObject({ problem: null })
    await expect.poll(() => bench.owed()).toBe(0n)
    const { receipts } = await bench.receipts()
    const charged = receipts.reduce((sum, { receipt }) => sum + BigInt(receipt.fee), 0n)
    const account = await findAccount(
      bench.world.inference,
      bench.world.user.address as Address,
      bench.broker.provider,
    )
    expect(account!.balance).toBe(35n * 10n ** 18n - charged)
  })
})
