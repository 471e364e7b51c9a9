import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseReceiptDetail } from '../../../src/attestation/receiptDetail.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { findService } from '../../../src/chain/inference.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { serviceTypeOf } from '../../../src/provider/registration.ts'
import { PriceBook } from '../../../src/provider/server/priceBook.ts'
import { silence } from '../../support/recording.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startWorld, tokenOf, type World } from '../../support/world.ts'

const IMAGE = ONE_0G / 100n
const SECOND = ONE_0G / 1000n
const NO_TOKENS = { input: 0n, output: 0n }
const MODELS = { painter: { ...NO_TOKENS, image: IMAGE }, listener: { ...NO_TOKENS, second: SECOND } }
const TOKENS = { input: 1000n, output: 4000n, cachedInput: 100n }

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
let token: string
let openai: OpenAI

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([
    startWorld(),
    startScriptedEngine(0, ['steady', 'dies', 'painter', 'listener', 'unpriced']),
  ])
  const serves = { painter: ['image'], listener: ['transcription'], unpriced: ['image'] } as const
  engine = await attachUrlEngine({ target: scripted.target, serves, logger: silentLogger })
  broker = await world.startBroker(engine, { prices: { ...TOKENS, models: MODELS } })
  await world.fund(world.user)
  token = await tokenOf(world.user, broker.provider)
  openai = new OpenAI({ baseURL: `${broker.url}/v1/proxy`, apiKey: token, maxRetries: 0 })
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
})

const bearer = () => ({ authorization: `Bearer ${token}` })

/** The receipt of an answer, by the header that names it. */
async function receiptOf(response: Response) {
  const id = response.headers.get('zg-res-key')
  const proof = await (await fetch(`${broker.url}/v1/proxy/signature/${id}`, { headers: bearer() })).json()
  const detail = parseReceiptDetail(proof.receipt.detail)
  return { fee: BigInt(proof.receipt.receipt.fee), detail: detail! }
}

async function post(path: string, body: string | FormData) {
  const response = await fetch(`${broker.url}/v1/proxy${path}`, { method: 'POST', headers: bearer(), body })
  const text = await response.text()
  const code = text.startsWith('{') ? JSON.parse(text).error?.code : undefined
  return { response, status: response.status, text, code }
}

describe('images, by the image', () => {
  it('are made for the official client', async () => {
    const { data, response } = await openai.images
      .generate({ model: 'painter', prompt: 'a red square', n: 3 })
      .withResponse()
    expect(data.data).toHaveLength(3)
    const { fee, detail } = await receiptOf(response)
    expect(fee).toBe(3n * IMAGE)
    expect(detail).toMatchObject({
      v: 3,
      endpoint: '/v1/images/generations',
      model: 'painter',
      counts: { image: 3 },
      prices: { image: IMAGE.toString() },
    })
  })

  it('are changed, from a form that reaches the engine byte for byte', async () => {
    const { data, response } = await openai.images
      .edit({ model: 'painter', prompt: 'blue', image: await toFile(Buffer.from('png'), 'a.png'), n: 2 })
      .withResponse()
    expect(data.data).toHaveLength(2)
    expect((await receiptOf(response)).fee).toBe(2n * IMAGE)
    expect(scripted.requests.at(-1)?.body).toContain('filename="a.png"')
  })

  it.each([
    ['too many', { n: 11 }, 400, 'body_invalid'],
    ['a part of one', { n: 1.5 }, 400, 'body_invalid'],
    ['a stream', { stream: true }, 400, 'body_invalid'],
    ['another model', { model: 'steady' }, 404, 'model_not_found'],
    ['a model without a price for it', { model: 'unpriced' }, 404, 'price_missing'],
  ])('are refused before the engine sees it: %s', async (_name, change, status, code) => {
    const before = scripted.requests.length
    const body = JSON.stringify({ model: 'painter', prompt: 'x', ...change })
    const refused = await post('/images/generations', body)
    expect([refused.status, refused.code]).toEqual([status, code])
    expect(scripted.requests).toHaveLength(before)
  })

  it('sell no tokens of a model that is priced by the image', async () => {
    const chat = await post('/chat/completions', JSON.stringify({ model: 'painter', messages: [] }))
    expect([chat.status, chat.code]).toEqual([404, 'model_not_found'])
  })
})

describe('speech to text, by the second', () => {
  it('is heard for the official client, begun seconds as the engine counts them', async () => {
    const { data, response } = await openai.audio.transcriptions
      .create({ model: 'listener', file: await toFile(silence(5), 'a.wav'), response_format: 'verbose_json' })
      .withResponse()
    expect(data.text).toBe('heard')
    const { fee, detail } = await receiptOf(response)
    expect([fee, detail.counts]).toEqual([3n * SECOND, { second: 3 }])
  })

  it('costs never more than the upload can be long', async () => {
    const { response } = await openai.audio.transcriptions
      .create({ model: 'listener', file: await toFile(silence(1), 'a.wav') })
      .withResponse()
    expect((await receiptOf(response)).detail.counts).toEqual({ second: 1 })
  })

  it('is priced by the upload where the answer says nothing and WAV says all; else it is not sold', async () => {
    const form = (file: Buffer) => {
      const form = new FormData()
      form.set('model', 'listener')
      form.set('response_format', 'text')
      form.set('file', new Blob([new Uint8Array(file)]), 'a')
      return form
    }
    const heard = await post('/audio/transcriptions', form(silence(4)))
    expect([heard.status, heard.text]).toEqual([200, 'heard'])
    expect((await receiptOf(heard.response)).detail.counts).toEqual({ second: 4 })
    const unknown = await post('/audio/transcriptions', form(Buffer.alloc(9000)))
    expect([unknown.status, unknown.code]).toEqual([502, 'usage_missing'])
  })

  it('is refused before the engine sees it when the account cannot pay the longest that it can be', async () => {
    const before = scripted.requests.length
    const form = new FormData()
    form.set('model', 'listener')
    // At 6 kbit/s this is 5,334 seconds, 5.334 0G.
    form.set('file', new Blob([new Uint8Array(4_000_000)]), 'a.opus')
    const refused = await post('/audio/transcriptions', form)
    expect([refused.status, refused.code]).toEqual([402, 'balance_insufficient'])
    expect(JSON.parse(refused.text).error.details.needed).toBe((5334n * SECOND).toString())
    expect(scripted.requests).toHaveLength(before)
  })

  it.each([
    ['no form', '{}', 'form_invalid'],
    ['two models', formOf(['model', 'listener'], ['model', 'other'], ['file', 'x']), 'body_invalid'],
    ['no file', formOf(['model', 'listener']), 'body_invalid'],
    ['no model', formOf(['file', 'x']), 'body_invalid'],
    ['a stream', formOf(['model', 'listener'], ['stream', 'true'], ['file', 'x']), 'body_invalid'],
  ])('refuses %s', async (_name, body, code) => {
    const before = scripted.requests.length
    const refused = await post('/audio/transcriptions', body)
    expect([refused.status, refused.code]).toEqual([400, code])
    expect(scripted.requests).toHaveLength(before)
  })
})

describe("Anthropic's messages, by the token", () => {
  const ask = (change: object = {}) =>
    post(
      '/messages',
      JSON.stringify({
        model: 'steady',
        max_tokens: 20,
        messages: [{ role: 'user', content: 'x' }],
        ...change,
      }),
    )

  it.each([false, true])('count cached tokens apart, streamed: %s', async (stream) => {
    const { status, text, response } = await ask({ stream })
    expect(status).toBe(200)
    expect(text).toContain(stream ? 'event: message_stop' : '"type":"message"')
    const { fee, detail } = await receiptOf(response)
    expect(detail).toMatchObject({
      v: 1,
      endpoint: '/v1/messages',
      status: 'complete',
      counts: { input: 6, cachedInput: 4, output: 20 },
    })
    expect(fee).toBe(6n * 1000n + 4n * 100n + 20n * 4000n)
    expect(scripted.requests.at(-1)).toMatchObject({ path: '/v1/messages' })
    expect(scripted.requests.at(-1)?.body).not.toContain('stream_options')
  })

  it('cost what was delivered when the engine dies, and end with an error event', async () => {
    const { text, response } = await ask({ model: 'dies', stream: true })
    expect(text).toMatch(/event: error\ndata: \{"type":"error","error":\{.*engine_died.*\n\n$/)
    const { detail } = await receiptOf(response)
    expect([detail.status, detail.counts]).toEqual(['partial', { input: 6, cachedInput: 4, output: 5 }])
  })
})

describe('what is sold', () => {
  it('stands in /v1/models with its price, and in the capabilities with its endpoint', async () => {
    const { data } = await (await fetch(`${broker.url}/v1/models`)).json()
    const byId = Object.fromEntries(data.map((model: { id: string }) => [model.id, model]))
    expect(byId.painter).toMatchObject({ kinds: ['image'], pricing: { image: IMAGE.toString() } })
    expect(byId.listener).toMatchObject({ kinds: ['transcription'], pricing: { second: SECOND.toString() } })
    const { endpoints } = await (await fetch(`${broker.url}/v1/capabilities`)).json()
    expect(endpoints).toEqual(
      expect.arrayContaining(['/v1/messages', '/v1/images/edits', '/v1/audio/transcriptions']),
    )
  })

  it('is registered as a service of chats where any text is sold, else as what it is', async () => {
    const { serviceType } = (await findService(world.inference, broker.provider))!
    expect(serviceType).toBe('chatbot')
    const one = (id: string) => engine.models.filter((model) => model.id === id)
    expect(serviceTypeOf(one('painter'))).toBe('text-to-image')
    expect(serviceTypeOf(one('listener'))).toBe('speech-to-text')
    const book = new PriceBook({ ...TOKENS, models: MODELS })
    expect(book.dearest(['painter', 'listener'])).toEqual({ input: 0n, output: IMAGE })
    expect(book.dearest(['painter', 'steady'])).toEqual({ input: 1000n, output: 4000n })
  })

  it.each([
    ['image=10000000000000000', 200],
    ['image=9999999999999999', 409],
    ['input=1,output=1', 409],
  ])('costs no more than the header %s accepts: %i', async (accepted, status) => {
    const response = await fetch(`${broker.url}/v1/proxy/images/generations`, {
      method: 'POST',
      headers: { ...bearer(), 'zg-max-price': accepted },
      body: JSON.stringify({ model: 'painter', prompt: 'x' }),
    })
    await response.text()
    expect(response.status).toBe(status)
  })
})

function formOf(...fields: readonly (readonly [string, string])[]): FormData {
  const form = new FormData()
  for (const [name, value] of fields) {
    if (name === 'file') form.append(name, new Blob([value]), 'a.wav')
    else form.append(name, value)
  }
  return form
}
