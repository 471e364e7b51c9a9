import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseReceiptDetail } from '../../../src/attestation/receiptDetail.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import type { Answer } from '../../../src/client/answer.ts'
import type { Compute } from '../../../src/client/compute.ts'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'
import { ProxyServer } from '../../../src/client/proxy/proxyServer.ts'
import { SpendBook } from '../../../src/client/proxy/spendBook.ts'
import { readWhole } from '../../../src/client/purchase/readWhole.ts'
import { memoryReceiptStore } from '../../../src/client/receipts/memoryReceiptStore.ts'
import type { HttpRequest } from '../../../src/client/runtime.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { IMAGE_PRICE, type MediaMarket, SECOND_PRICE, startMediaMarket } from '../../support/mediaMarket.ts'
import { silence, wav } from '../../support/recording.ts'
import vectors from '../../unit/protocol/audio.vectors.json' with { type: 'json' }
import { approval, clientOf } from './clientOf.ts'

const TOKEN = 'zg-test'
const QUESTION = [{ role: 'user' as const, content: 'canary' }]

let market: MediaMarket
let compute: Compute
let proxy: ProxyServer
let baseURL: string
let openai: OpenAI
const { hooks } = approval()

beforeAll(async () => {
  market = await startMediaMarket()
  const { world, text, images, speech } = market
  compute = await clientOf(world, world.anvil.wallets[6] as HDNodeWallet)
  for (const { provider } of [text, images, speech]) await compute.ensureFunds(provider, 2n * ONE_0G, hooks)
  const spending = new SpendBook(join(world.dir, 'spent.json'), null)
  proxy = new ProxyServer(compute, { host: '127.0.0.1', port: 0, token: TOKEN, spending, hooks })
  baseURL = await proxy.listen()
  openai = new OpenAI({ baseURL, apiKey: TOKEN, maxRetries: 0 })
})

afterAll(async () => {
  await proxy?.close(0)
  await compute?.close()
  await market?.stop()
})

/** What every answer says of itself. @returns the fee in neuron */
async function expectProven(response: Response, { provider }: Broker): Promise<bigint> {
  const headers = Object.fromEntries(response.headers)
  expect(headers).toMatchObject({ 'x-0g-verdict': 'accepted', 'x-0g-provider': provider })
  const receipts = await compute.receipts(provider)
  const kept = receipts.find(({ signed }) => signed.detail.includes(headers['x-0g-receipt']!))
  const fee = BigInt(headers['x-0g-fee']!)
  expect([fee > 0n, kept?.signed.receipt.fee]).toEqual([true, fee])
  return fee
}

const post = (path: string, body: object) =>
  fetch(baseURL + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

describe('every service type, by the official client through the proxy', () => {
  it('models of all providers, each with what it is priced by', async () => {
    const { data } = await openai.models.list()
    const byId = new Map(data.map((model) => [model.id, model]))
    expect([...byId.keys()]).toEqual(
      expect.arrayContaining(['speaker', 'plain', 'painter', 'listener', 'exaggerator']),
    )
    expect(byId.get('painter')).toMatchObject({
      kinds: ['image'],
      pricing: { image: IMAGE_PRICE.toString() },
    })
    expect(byId.get('listener')).toMatchObject({
      kinds: ['transcription'],
      pricing: { second: SECOND_PRICE.toString() },
      providers: [market.speech.provider],
    })
  })

  it('chat, completions, embeddings and responses', async () => {
    const chat = await openai.chat.completions.create({ model: 'speaker', messages: QUESTION }).withResponse()
    expect(chat.data.choices[0]!.message.content).toBe('said so')
    await expectProven(chat.response, market.text)
    const completion = await openai.completions.create({ model: 'speaker', prompt: 'x' }).withResponse()
    expect(completion.data.choices[0]!.text).toBe('went on')
    await expectProven(completion.response, market.text)
    const asked = { model: 'speaker', input: 'x', encoding_format: 'float' as const }
    const embedding = await openai.embeddings.create(asked).withResponse()
    expect(embedding.data.data[0]!.embedding).toEqual([0.25, -0.5])
    await expectProven(embedding.response, market.text)
    const response = await openai.responses.create({ model: 'speaker', input: 'x' }).withResponse()
    expect(response.data.output_text).toBe('said so')
    await expectProven(response.response, market.text)
  })

  it('images, made and changed', async () => {
    const made = await openai.images
      .generate({ model: 'painter', prompt: 'a red square', n: 2 })
      .withResponse()
    expect(made.data.data).toHaveLength(2)
    expect(await expectProven(made.response, market.images)).toBe(2n * IMAGE_PRICE)
    const png = Buffer.from(made.data.data![0]!.b64_json!, 'base64')
    const image = [await toFile(png, 'a.png'), await toFile(png, 'b.png')]
    const changed = await openai.images.edit({ model: 'painter', prompt: 'blue', image }).withResponse()
    expect(changed.data.data).toHaveLength(1)
    expect(await expectProven(changed.response, market.images)).toBe(IMAGE_PRICE)
    const { path, form } = market.standIn.requests.at(-1)!
    const sha256 = createHash('sha256').update(png).digest('hex')
    expect([path, form.prompt, form['image[]']]).toEqual([
      '/v1/images/edits',
      'blue',
      `image.png ${png.length} ${sha256}`,
    ])
  })

  it.each([
    ['json', 'what was heard'],
    ['verbose_json', 'what was heard'],
    ['text', 'what was heard'],
    ['srt', /^1\n00:00:00,000 --> /],
  ] as const)('speech to text as %s', async (format, expected) => {
    const file = await toFile(silence(3), 'call with my lawyer.wav')
    const { data, response } = await openai.audio.transcriptions
      .create({ model: 'auto', file, language: 'en', response_format: format })
      .withResponse()
    expect(typeof data === 'string' ? data : (data as { text: string }).text).toMatch(expected)
    expect(await expectProven(response, market.speech)).toBe(3n * SECOND_PRICE)
    const { form } = market.standIn.requests.at(-1)!
    expect(form).toMatchObject({
      model: 'listener',
      language: 'en',
      // Not what its owner calls it.
      file: expect.stringMatching(/^file\.wav 96044 /),
    })
  })

  it("Anthropic's messages as the engine makes them, sealed on their way, whole and streamed", async () => {
    const asked = { model: 'claude-x', max_tokens: 8, messages: QUESTION }
    const whole = await post('/messages', asked)
    expect(await whole.json()).toMatchObject({ type: 'message', content: [{ text: 'said so' }] })
    await expectProven(whole, market.text)
    expect(whole.headers.get('x-0g-sealed')).toBe('true')
    expect(market.standIn.requests.at(-1)).toMatchObject({ path: '/v1/messages' })
    const text = await (await post('/messages', { ...asked, stream: true })).text()
    expect([...text.matchAll(/^event: (\S+)$/gm)].map(([, type]) => type)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(text).toMatch(/"type":"message_stop"\}\n\n: x-0g-verdict=accepted .*x-0g-sealed=true/)
  })

  it('and as a chat where the engine has none', async () => {
    const asked = { model: 'plain', max_tokens: 8, messages: QUESTION }
    for (const paths of [['/v1/messages', '/v1/chat/completions'], ['/v1/chat/completions']]) {
      const before = market.standIn.requests.length
      const response = await post('/messages', asked)
      expect(await response.json()).toMatchObject({ type: 'message', content: [{ text: 'said so' }] })
      await expectProven(response, market.text)
      expect(market.standIn.requests.slice(before).map(({ path }) => path)).toEqual(paths)
    }
  })
})

describe('recordings', () => {
  const listen = (bytes: Buffer, model = 'listener') =>
    compute.transcribe({ recording: bytes, model, language: 'en' }, hooks)

  it('of 25 MiB pass through the proxy whole', async () => {
    // 32 kHz, 16 bits, stereo: 205 seconds.
    const file = wav({ rate: 32_000, channels: 2, bytes: 25 * 1024 * 1024 - 44 })
    const { response } = await openai.audio.transcriptions
      .create({ model: 'listener', file: await toFile(file, 'long.wav') })
      .withResponse()
    await expectProven(response, market.speech)
    const sha256 = createHash('sha256').update(file).digest('hex')
    expect(market.standIn.requests.at(-1)!.form.file).toBe(`file.wav ${file.length} ${sha256}`)
  })

  it('are heard for the SDK, by the second that was billed', async () => {
    const heard = await listen(silence(5))
    expect(heard).toMatchObject({ text: 'what was heard', seconds: 3, fee: 3n * SECOND_PRICE, sealed: false })
    expect(heard.segments).toHaveLength(2)
    expect(heard.verdict.outcome).toBe('accepted')
    const compressed = await listen(Buffer.from(vectors.mp3.file, 'base64'))
    expect([compressed.seconds, compressed.verdict.outcome]).toEqual([3, 'accepted'])
  })

  it('billed longer than they are: the answer is rejected', async () => {
    const padded = Buffer.concat([Buffer.from(vectors.vorbis.file, 'base64'), Buffer.alloc(40_000)])
    const heard = await listen(padded, 'exaggerator')
    expect(heard.seconds).toBe(40)
    expect(heard.verdict).toMatchObject({ outcome: 'rejected' })
    const failed = heard.verdict.steps.filter(({ result }) => result === 'fail')
    expect(failed).toMatchObject([{ name: 'counts', detail: expect.stringContaining('40 seconds') }])
  })

  it('are heard for the drop-in, and a verdict comes with each', async () => {
    const answers: Answer[] = []
    const settings = await compute.openai({ onAnswer: (answer) => answers.push(answer) })
    const client = new OpenAI(settings)
    const file = await toFile(silence(1), 'a.wav')
    const { text } = await client.audio.transcriptions.create({ model: 'listener', file })
    expect([text, answers[0]?.verdict.outcome, answers[0]?.fee]).toEqual([
      'what was heard',
      'accepted',
      SECOND_PRICE,
    ])
  })

  const part = '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nlistener'

  it.each([
    ['no form', '{}', 'application/json'],
    ['a form without its end', part, 'multipart/form-data; boundary=b'],
    ['no file', `${part}\r\n--b--\r\n`, 'multipart/form-data; boundary=b'],
  ])('that are %s are refused before anything is sent', async (_name, body, type) => {
    const before = market.standIn.requests.length
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': type }
    const response = await fetch(`${baseURL}/audio/transcriptions`, { method: 'POST', headers, body })
    expect([response.status, (await response.json()).error.code]).toEqual([400, 'request_invalid'])
    expect(market.standIn.requests).toHaveLength(before)
  })
})

describe('routing', () => {
  it('finds who sells nothing but images or speech, and counts its price by the piece', async () => {
    const models = await compute.models()
    const painter = models.find(({ model }) => model === 'painter')!
    expect(painter.service).toMatchObject({ provider: market.images.provider, serviceType: 'text-to-image' })
    expect(painter.prices).toEqual({ input: 0n, output: 0n, image: IMAGE_PRICE })
    const image = {
      endpoint: '/v1/images/generations',
      body: { prompt: 'x' },
      limitsTokens: false,
    } as const
    const { offer, maxCost, pieces } = await compute.buy(image, hooks)
    expect([offer.service.provider, maxCost]).toEqual([market.images.provider, IMAGE_PRICE])
    for await (const _ of pieces);
    const cheap = { ...image, preferences: { maxUnitPrice: IMAGE_PRICE - 1n } }
    await expect(compute.buy(cheap, hooks)).rejects.toMatchObject({ code: 'no_suitable_provider' })
    const perToken = { ...image, preferences: { maxPrice: 1n } }
    for await (const _ of (await compute.buy(perToken, hooks)).pieces);
  })

  it('keeps images from who sells text, and chats from who sells images', async () => {
    const { text, images } = market
    const asked = { messages: QUESTION, provider: images.provider }
    await expect(compute.infer(asked, hooks)).rejects.toMatchObject({ code: 'model_unknown' })
    expect((await compute.cheapest()).service.provider).toBe(text.provider)
  })
})

describe('privacy', () => {
  const SECRET = 'Xylophon'

  it.each([
    ['/v1/images/generations', { prompt: SECRET }],
    ['/v1/messages', { max_tokens: 4, messages: [{ role: 'user', content: SECRET }] }],
    ['/v1/messages', { max_tokens: 4, messages: [{ role: 'user', content: SECRET }], stream: true }],
  ] as const)('is on at %s: nothing said leaves readable', async (endpoint, body) => {
    const sent: string[] = []
    const runtime = nodeRuntime()
    const watching = {
      ...runtime,
      request: (request: HttpRequest) => {
        if (request.method === 'POST') sent.push(Buffer.from(request.body!).toString())
        return runtime.request(request)
      },
    }
    const wallet = market.world.anvil.wallets[6] as HDNodeWallet
    const own = await clientOf(market.world, wallet, memoryReceiptStore(), watching)
    const { pieces } = await own.buy({ endpoint, body, limitsTokens: false, private: true }, hooks)
    const { answer } = await readWhole(pieces)
    expect(answer).toMatchObject({ sealed: true, verdict: { outcome: 'accepted' } })
    expect(parseReceiptDetail(answer.receipt!.detail)!.v).toBe(endpoint === '/v1/messages' ? 2 : 4)
    expect(sent.length).toBeGreaterThan(0)
    for (const text of sent) expect(text).not.toContain(SECRET)
    expect(market.standIn.requests.at(-1)!.body).toContain(SECRET)
    await own.close()
  })

  it('of files is refused where it is asked for, and nothing is sent', async () => {
    const before = market.standIn.requests.length
    const asked = compute.transcribe({ recording: silence(1), private: true }, hooks)
    await expect(asked).rejects.toMatchObject({ code: 'private_unavailable', exitCode: 20 })
    expect(market.standIn.requests).toHaveLength(before)
  })
})
