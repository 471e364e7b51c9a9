import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { HDNodeWallet } from 'ethers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { CHAT } from '../../support/brokerBench.ts'
import { delegate, openAccount, withoutTee } from '../../support/vouchers.ts'
import { PRICES, startWorld, tokenOf, type World } from '../../support/world.ts'

/** Tokens of each frame, as of an engine that guesses several ahead. */
const BUNDLE = 8
const FRAMES = 20

let world: World
let server: Server
let engine: Engine
let broker: Broker
let runs = 0

beforeAll(async () => {
  world = await startWorld('ours')
  server = createServer(async (req, res) => {
    const json = (body: object) =>
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (req.url === '/v1/models') return json({ data: [{ id: 'words', max_model_len: 4096 }] })
    const { messages = [], prompt = '', documents = [], ...options } = JSON.parse(await text(req))
    const { stream, max_tokens, factor = 1 } = options
    const words = (...texts: string[]) => texts.join(' ').split(' ').filter(Boolean).length
    const said = messages.map(({ content }: { content: string }) => content)
    if (req.url === '/tokenize') return json({ count: words(prompt, ...said) })
    runs++
    const prompt_tokens = words(...said, ...documents) * factor
    const usage = { prompt_tokens, completion_tokens: max_tokens }
    if (!stream) return json({ choices: [{ index: 0, message: { content: 'ok' } }], usage })
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let i = 0; i < FRAMES; i++)
      res.write(`data: ${JSON.stringify({ choices: [{ delta: { content: 'word '.repeat(BUNDLE) } }] })}\n\n`)
    // It says what it counted when the client has gone.
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  engine = await attachUrlEngine({ target, logger: silentLogger })
  broker = await world.startBroker(engine, withoutTee())
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  server?.closeAllConnections()
  server?.close()
})

async function payer(index: number) {
  const wallet = world.anvil.wallets[index] as HDNodeWallet
  await openAccount(world, wallet)
  const session = await delegate(world, wallet)
  const authorization = `Bearer ${await tokenOf(wallet, broker.provider)}`
  return {
    post: (fields: object, signed: bigint, signal?: AbortSignal) =>
      fetch(broker.url + CHAT, {
        method: 'POST',
        headers: { authorization, ...session.voucher(signed) },
        body: JSON.stringify({ model: 'words', messages: [{ role: 'user', content: 'hi' }], ...fields }),
        ...(signal && { signal }),
      }),
    async fees(): Promise<bigint[]> {
      const url = `${broker.url}/v1/user/${wallet.address}/receipts`
      const { receipts } = await (await fetch(url, { headers: { authorization } })).json()
      return receipts.map(({ receipt }: { receipt: { fee: string } }) => BigInt(receipt.fee))
    },
  }
}

it('whoever leaves a stream just before its end pays for the tokens that came, however many a frame has', async () => {
  const { post, fees } = await payer(4)
  const client = new AbortController()
  const answer = await post({ stream: true, max_tokens: 500 }, 10n ** 15n, client.signal)
  const decoder = new TextDecoder()
  let seen = ''
  for await (const chunk of answer.body!) {
    seen += decoder.decode(chunk, { stream: true })
    if (seen.split('\n\n').length > FRAMES) break
  }
  client.abort()
  await expect.poll(fees, { timeout: 40_000 }).toHaveLength(1)
  expect(await fees()).toEqual([PRICES.input + BigInt(BUNDLE * FRAMES) * PRICES.output])
})

it('what a template may add to the prompt is set aside too where a tokenizer counted the messages alone', async () => {
  const { post, fees } = await payer(5)
  const documents = Array(30).fill('many words that the template of the model shows it')
  const signed = 200n * PRICES.input + PRICES.output
  const before = runs
  const refused = await post({ documents, max_tokens: 1 }, signed)
  expect((await refused.json()).error?.code).toBe('voucher_insufficient')
  expect([runs, await fees()]).toEqual([before, []])
  expect((await post({ max_tokens: 1, temperature: 0 }, signed)).status).toBe(200)
})

it('what was set aside by the tokenizer is the most that is charged, whatever the engine counts then', async () => {
  const { post, fees } = await payer(6)
  const counted = PRICES.input + PRICES.output
  expect((await post({ max_tokens: 1, factor: 1000 }, counted)).status).toBe(200)
  expect(await fees()).toEqual([counted])
})
