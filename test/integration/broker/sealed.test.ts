import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sameAddress } from '../../../src/base/hex.ts'
import {
  type Envelope,
  envelopeHash,
  fromBase64Url,
  type SealedRequest,
  sealedProofText,
  sealRequest,
  streamHash,
} from '../../../src/protocol/e2ee/index.ts'
import type { ReceiptDetail } from '../../../src/protocol/receipt.ts'
import { recoverTextProof } from '../../../src/protocol/textProof.ts'
import { encryptionKeyOf } from '../../../src/provider/tee/encryptionKey.ts'
import { type Answer, type Bench, CHAT, startBench } from '../../support/brokerBench.ts'

/** Stands in the request and comes back in the answer: to be seen by the engine alone. */
const SECRET = 'Xylophon'

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})

afterAll(() => bench?.stop())

interface Sealed extends SealedRequest {
  readonly text: string
}

async function seal(change: object = {}, target = bench.world.tee.encryption!.publicKey): Promise<Sealed> {
  const body = { model: 'steady', messages: [{ role: 'user', content: SECRET }], max_tokens: 4, ...change }
  const request = await sealRequest(body, { publicKey: target, signer: bench.world.tee.signer })
  return { ...request, text: JSON.stringify(request.envelope) }
}

const eventsIn = (text: string): string[] =>
  text
    .split('\n\n')
    .filter(Boolean)
    .map((event) => event.replace(/^data: /, ''))

async function proofOf(answer: Answer) {
  const response = await fetch(`${bench.broker.url}/v1/proxy/signature/${answer.headers.get('zg-res-key')}`, {
    headers: { authorization: `Bearer ${bench.token}` },
  })
  const { receipt, ...proof } = await response.json()
  expect(sameAddress(recoverTextProof(proof)!, bench.world.tee.signer)).toBe(true)
  return { text: proof.text as string, detail: JSON.parse(receipt.detail) as ReceiptDetail }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

it('says that it opens sealed requests, and with which key', async () => {
  const capabilities = await (await fetch(`${bench.broker.url}/v1/capabilities`)).json()
  expect(capabilities.e2ee).toBe(2)
  const key = await (await fetch(`${bench.broker.url}/v1/e2ee/pubkey`)).json()
  expect(key).toMatchObject({ v: 1, kem_id: '0x0020', signer_address: bench.world.tee.signer.toLowerCase() })
  expect(Buffer.from(fromBase64Url(key.enc_pub))).toEqual(Buffer.from(bench.world.tee.encryption!.publicKey))
  expect((await seal()).envelope._e2ee.key_id).toBe(key.key_id)
})

it('answers a sealed request sealed, and signs what was sealed', async () => {
  const request = await seal()
  const answer = await bench.post(request.text)
  expect(answer.status, answer.text).toBe(200)
  expect(bench.scripted.requests.at(-1)!.body).toContain(SECRET)
  const envelope = JSON.parse(answer.text) as Envelope
  expect(envelope.usage).toMatchObject({ completion_tokens: 4 })
  expect(answer.text).not.toContain('tok tok')
  const opener = request.opener()
  expect(await opener.open(envelope)).toMatchObject({
    choices: [{ message: { content: 'tok tok tok tok ' } }],
  })
  expect(opener.isComplete).toBe(true)

  const { text, detail } = await proofOf(answer)
  const sealed = {
    requestHash: envelopeHash(request.envelope),
    responseHash: envelopeHash(envelope),
    stream: false,
  }
  expect(text).toBe(sealedProofText(sealed))
  expect(detail).toMatchObject({
    v: 2,
    requestHash: sha256(request.text),
    responseHash: sha256(answer.text),
    counts: { input: 10, output: 4 },
    sealed,
  })
})

it('seals a stream frame by frame, and its end', async () => {
  const request = await seal({ stream: true, max_tokens: 6 })
  const answer = await bench.post(request.text)
  expect(answer.text).not.toMatch(/t\d |content/)
  const events = eventsIn(answer.text)
  expect(events.pop()).toBe('[DONE]')
  const frames = events.map((event) => JSON.parse(event) as Envelope)
  const opener = request.opener()
  let text = ''
  for (const frame of frames) {
    expect(opener.isComplete).toBe(false)
    const { choices } = (await opener.open(frame)) as { choices: { delta: { content: string } }[] }
    text += choices[0]?.delta.content ?? ''
  }
  expect(opener.isComplete).toBe(true)
  expect(text).toBe('t0 t1 t2 t3 t4 t5 ')
  const { text: signed, detail } = await proofOf(answer)
  const sealed = {
    requestHash: envelopeHash(request.envelope),
    responseHash: streamHash(frames),
    stream: true,
  }
  expect(signed).toBe(sealedProofText(sealed))
  expect(detail).toMatchObject({ v: 2, responseHash: sha256(answer.text), status: 'complete', sealed })
})

it('a stream that an engine breaks off has no sealed end, and is charged and signed as far as it came', async () => {
  const request = await seal({ model: 'dies', stream: true, max_tokens: 50 })
  const answer = await bench.post(request.text)
  const events = eventsIn(answer.text)
  expect(JSON.parse(events.pop()!).error.code).toBe('engine_died')
  const frames = events.map((event) => JSON.parse(event) as Envelope)
  const opener = request.opener()
  for (const frame of frames) await opener.open(frame)
  expect(opener.isComplete).toBe(false)
  const { text, detail } = await proofOf(answer)
  expect(detail).toMatchObject({ status: 'partial', counts: { output: 5 } })
  const hashes = { requestHash: envelopeHash(request.envelope), responseHash: streamHash(frames) }
  expect(text).toBe(sealedProofText({ ...hashes, stream: true }))
})

it("an engine's refusal may quote the request: only its caller reads it", async () => {
  const request = await seal({ model: 'refuses' })
  const answer = await bench.post(request.text)
  expect(answer).toMatchObject({ status: 422, code: 'request_refused' })
  expect(answer.text).not.toContain(SECRET)
  const { _e2ee } = JSON.parse(answer.text) as Envelope
  const { refusal } = await request.opener().open({ _e2ee })
  expect(JSON.parse(String(refusal)).error.message).toContain(SECRET)
})

it('joins retries of the same envelope, charged once, and refuses another one under its key', async () => {
  bench.scripted.delayMs = 20
  const request = await seal({ stream: true, max_tokens: 1000 })
  const headers = { 'idempotency-key': 'sealed' }
  const before = { owed: await bench.owed(), requests: bench.scripted.requests.length }
  const authorization = `Bearer ${bench.token}`
  const begin = () =>
    fetch(bench.broker.url + CHAT, {
      method: 'POST',
      headers: { authorization, ...headers },
      body: request.text,
    })
  const [first, second] = [await begin(), await begin()]
  bench.scripted.delayMs = 0
  const [one, two] = await Promise.all([first.text(), second.text()])
  expect(two).toBe(one)
  expect(one).toContain('[DONE]')
  expect(bench.scripted.requests.length).toBe(before.requests + 1)
  expect((await bench.owed()) - before.owed).toBe((10n + 1000n * 4n) * 10n ** 9n)
  expect((await bench.post(request.text, headers)).code).toBe('idempotency_key_done')
  expect((await bench.post((await seal()).text, headers)).code).toBe('idempotency_key_reused')
})

it('fails closed: nothing but what the protocol says is opened, and nothing is charged', async () => {
  const owed = await bench.owed()
  const requests = bench.scripted.requests.length
  const { envelope } = await seal()
  const head = (change: object) => JSON.stringify({ ...envelope, _e2ee: { ...envelope._e2ee, ...change } })
  const other = encryptionKeyOf(createHash('sha256').update('another enclave').digest()).publicKey
  const cases: [string, number, string][] = [
    [(await seal({}, other)).text, 409, 'e2ee_key_mismatch'],
    [head({ signer_addr: bench.broker.provider }), 409, 'e2ee_key_mismatch'],
    [JSON.stringify({ ...envelope, max_tokens: 4000 }), 400, 'e2ee_open_failed'],
    [JSON.stringify({ ...envelope, messages: [] }), 400, 'e2ee_open_failed'],
    [head({ v: 2 }), 400, 'e2ee_malformed'],
    [head({ ciphertext: '****' }), 400, 'e2ee_malformed'],
    [head({ unbound_fields: 'model' }), 400, 'e2ee_malformed'],
    [JSON.stringify({ ...envelope, _e2ee: null }), 400, 'e2ee_malformed'],
  ]
  for (const [body, status, code] of cases) {
    const answer = await bench.post(body)
    expect([answer.status, answer.code, answer.text.includes(SECRET)]).toEqual([status, code, false])
  }
  expect([await bench.owed(), bench.scripted.requests.length]).toEqual([owed, requests])
})

it('a client that leaves is charged for what came', async () => {
  bench.scripted.delayMs = 30
  const request = await seal({ stream: true, max_tokens: 100 })
  const before = await bench.owed()
  const controller = new AbortController()
  const response = await fetch(bench.broker.url + CHAT, {
    method: 'POST',
    headers: { authorization: `Bearer ${bench.token}` },
    body: request.text,
    signal: controller.signal,
  })
  await response.body!.getReader().read()
  controller.abort()
  await expect.poll(() => bench.owed()).toBeGreaterThan(before)
  bench.scripted.delayMs = 0
  expect((await bench.owed()) - before).toBeLessThan(100n * 4n * 10n ** 9n)
})

it('a broker without a key to open with says so', async () => {
  const { text } = await seal()
  await bench.broker.stop()
  const closed = await bench.world.startBroker(bench.engine, {
    tee: { ...bench.world.tee, encryption: null },
  })
  const authorization = `Bearer ${bench.token}`
  const refused = await fetch(closed.url + CHAT, { method: 'POST', headers: { authorization }, body: text })
  expect([refused.status, (await refused.json()).error.code]).toEqual([400, 'e2ee_unsupported'])
  const key = await fetch(`${closed.url}/v1/e2ee/pubkey`)
  expect([key.status, (await key.json()).error.code]).toEqual([503, 'e2ee_key_missing'])
  expect(await (await fetch(`${closed.url}/v1/capabilities`)).json()).not.toHaveProperty('e2ee')
})
