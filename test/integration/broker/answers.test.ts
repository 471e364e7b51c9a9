import { createHash } from 'node:crypto'
import { verifyMessage } from 'ethers'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { findAccount } from '../../../src/chain/inference.ts'
import { type ReceiptDetail, receiptFromJson, recoverReceipt } from '../../../src/protocol/receipt.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { startEmbeddedEngine } from '../../../src/provider/engine/embedded/startEmbeddedEngine.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { type Contracts, PRICES, startWorld, tokenOf, type World } from '../../support/world.ts'

const MESSAGES = [{ role: 'user' as const, content: 'What is a receipt?' }]

describe.each<Contracts>(['ours', 'theirs'])(
  'answers of the demo model, paid on %s contracts',
  (contracts) => {
    let world: World
    let engine: Engine
    let broker: Broker
    let token: string
    let openai: OpenAI
    const model = () => engine.models[0]!.id

    beforeAll(async () => {
      ;[world, engine] = await Promise.all([
        startWorld(contracts),
        startEmbeddedEngine({ modelPath: 'models/demo/demo.gguf', logger: silentLogger }),
      ])
      broker = await world.startBroker(engine)
      await world.fund(world.user)
      token = await tokenOf(world.user, broker.provider)
      openai = new OpenAI({ baseURL: `${broker.url}/v1/proxy`, apiKey: token, maxRetries: 0 })
    })

    afterAll(async () => {
      await world?.stop()
      await engine?.stop()
    })

    it('reach the official client whole, with a proof and a receipt', async () => {
      const body = JSON.stringify({ model: model(), messages: MESSAGES, temperature: 0 })
      const { data, response } = await openai.chat.completions
        .create({ model: model(), messages: MESSAGES, temperature: 0 })
        .withResponse()
      expect(data.choices[0]!.message.content).toMatch(/receipt/i)
      const id = response.headers.get('zg-res-key')!
      expect(data.id).toBe(`chatcmpl-${id}`)
      const { detail, receipt } = await proofOf(id)
      expect(detail.counts).toEqual({
        input: data.usage!.prompt_tokens,
        output: data.usage!.completion_tokens,
      })
      expect(receipt.receipt.fee).toBe(
        BigInt(data.usage!.prompt_tokens) * PRICES.input +
          BigInt(data.usage!.completion_tokens) * PRICES.output,
      )
      expect(detail.requestHash).toBe(sha256(body))
      expect(detail.modelDigest).toBe(engine.models[0]!.digest)
      const header = JSON.parse(Buffer.from(response.headers.get('zg-receipt')!, 'base64').toString())
      expect(receiptFromJson(header)).toEqual(receipt)
    })

    it('reach the official client as a stream, and the hash is of the bytes that came', async () => {
      const stream = await openai.chat.completions.create({
        model: model(),
        messages: MESSAGES,
        temperature: 0,
        stream: true,
      })
      let text = ''
      let usage: OpenAI.CompletionUsage | null | undefined
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? ''
        usage = chunk.usage ?? usage
      }
      expect(text).toMatch(/receipt/i)
      expect(usage?.completion_tokens).toBeGreaterThan(3)

      const request = JSON.stringify({ model: model(), messages: MESSAGES, stream: true })
      const response = await post('/v1/proxy/chat/completions', request)
      const bytes = Buffer.from(await response.arrayBuffer())
      expect(bytes.toString()).toMatch(/data: \[DONE\]\n\n$/)
      const { detail } = await proofOf(response.headers.get('zg-res-key')!)
      expect(detail).toMatchObject({
        requestHash: sha256(request),
        responseHash: sha256(bytes),
        responseBytes: bytes.length,
        status: 'complete',
      })
    })

    it('cover completions and embeddings', async () => {
      const completion = await openai.completions.create({
        model: model(),
        prompt: 'A receipt',
        max_tokens: 8,
      })
      expect(completion.usage!.completion_tokens).toBeGreaterThan(0)
      const embedding = await openai.embeddings.create({
        model: model(),
        input: 'neuron',
        encoding_format: 'float',
      })
      expect(embedding.data[0]!.embedding.length).toBeGreaterThan(10)
      expect((await openai.models.list()).data.map((m) => m.id)).toContain(model())
    })

    it('are settled on chain to the neuron', async () => {
      const before = await world.anvil.rpc.getBalance(broker.provider)
      const owed = await unsettled()
      expect(owed).toBeGreaterThan(0n)
      await broker.settler.settleNow()
      expect(await unsettled()).toBe(0n)
      const account = await findAccount(world.inference, world.user.address as Address, broker.provider)
      expect(account!.balance).toBe(5n * 10n ** 18n - owed)
      const gas = 10n ** 16n
      expect((await world.anvil.rpc.getBalance(broker.provider)) - before).toBeGreaterThan(owed - gas)
      const receipts = await (await get(`/v1/user/${world.user.address}/receipts`)).json()
      const fees = receipts.receipts.map((json: unknown) => receiptFromJson(json).receipt.fee)
      expect(fees.reduce((a: bigint, b: bigint) => a + b, 0n)).toBe(owed)
    })

    it('come to many at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () =>
          openai.chat.completions.create({
            model: model(),
            messages: MESSAGES,
            max_tokens: 12,
            temperature: 0,
          }),
        ),
      )
      expect(new Set(answers.map((answer) => answer.choices[0]!.message.content)).size).toBe(1)
      const { receipts } = await (await get(`/v1/user/${world.user.address}/receipts`)).json()
      const seqs = receipts.map((json: { receipt: { seq: number } }) => json.receipt.seq)
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => (a as number) - (b as number)))
    })

    it('refuse a token that was revoked, within a block', async () => {
      const persistent = await tokenOf(world.user, broker.provider, { tokenId: 7, expiresAt: 0 })
      const ask = () =>
        post(
          '/v1/proxy/chat/completions',
          JSON.stringify({ model: model(), messages: MESSAGES, max_tokens: 1 }),
          persistent,
        )
      expect((await ask()).status).toBe(200)
      const serving = world.inference.connect(world.user) as typeof world.inference
      await (await serving.getFunction('revokeToken')(broker.provider, 7)).wait()
      const codeOf = async (answer: Response) => [answer.status, (await answer.json()).error?.code]
      const refused = [401, 'token_revoked']
      await expect.poll(async () => codeOf(await ask())).toEqual(refused)
      await (await serving.getFunction('revokeAllTokens')(broker.provider)).wait()
      const old = () =>
        post(
          '/v1/proxy/chat/completions',
          JSON.stringify({ model: model(), messages: MESSAGES, max_tokens: 1 }),
        )
      await expect.poll(async () => codeOf(await old())).toEqual(refused)
    })

    const post = (path: string, body: string, key = token) =>
      fetch(broker.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body,
      })

    const get = (path: string) => fetch(broker.url + path, { headers: { authorization: `Bearer ${token}` } })

    const unsettled = async (): Promise<bigint> =>
      BigInt((await (await get(`/v1/user/${world.user.address}/unsettledfee`)).json()).unsettledFee)

    async function proofOf(id: string) {
      const proof = await (await get(`/v1/proxy/signature/${id}?model=${model()}`)).json()
      expect(verifyMessage(proof.text, proof.signature)).toBe(world.tee.signer)
      const receipt = receiptFromJson(proof.receipt)
      expect(recoverReceipt(receipt)).toBe(world.tee.signer.toLowerCase())
      const detail = JSON.parse(receipt.detail) as ReceiptDetail
      expect(proof.text).toBe(`${detail.requestHash}:${detail.responseHash}`)
      return { detail, receipt }
    }
  },
)

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')
