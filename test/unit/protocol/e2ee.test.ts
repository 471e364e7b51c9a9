import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  bindingHash,
  type Envelope,
  envelopeHash,
  fromBase64Url,
  type OpenKey,
  openRequest,
  ResponseSealer,
  type SealedRequest,
  sealedProofText,
  sealRequest,
  streamHash,
  toBase64Url,
} from '../../../src/protocol/e2ee/index.ts'
import { addressOf } from '../../../src/protocol/signature.ts'
import { encryptionKeyOf } from '../../../src/provider/tee/encryptionKey.ts'
import vectors from './e2ee.vectors.json' with { type: 'json' }

const secret = (name: string): Buffer => createHash('sha256').update(name).digest()
const KEY: OpenKey = { ...encryptionKeyOf(secret('enclave')), signer: addressOf(secret('signer')) }
const OTHER: OpenKey = { ...encryptionKeyOf(secret('another')), signer: addressOf(secret('signer')) }

const BODY = {
  model: 'demo',
  messages: [{ role: 'user', content: 'Häßlich 🦊' }],
  tools: [{ type: 'function' }],
  stream: true,
}

const head = (envelope: Envelope, change: object): Envelope => ({
  ...envelope,
  _e2ee: { ...envelope._e2ee, ...change },
})

describe('known answers of the deployed network', () => {
  it('hashes what is bound', () => {
    const { aad, ciphertext, hash } = vectors.binding
    expect(bindingHash(Buffer.from(aad), Buffer.from(ciphertext))).toBe(hash)
  })

  it('hashes requests, answers and streams', () => {
    expect(envelopeHash(vectors.request.envelope as Envelope)).toBe(vectors.request.hash)
    expect(envelopeHash(vectors.response.envelope as Envelope)).toBe(vectors.response.hash)
    expect(streamHash(vectors.stream.frames as unknown as Envelope[])).toBe(vectors.stream.hash)
  })

  it('binds every field in clear but those that are named', () => {
    const { envelope, hash } = vectors.response
    expect(envelopeHash({ ...envelope, model: 'another' } as Envelope)).toBe(hash)
    expect(envelopeHash({ ...envelope, usage: { total_tokens: 4 } } as Envelope)).not.toBe(hash)
    expect(envelopeHash(head(envelope as Envelope, { final: false }))).not.toBe(hash)
  })

  it('has texts to sign', () => {
    const hashes = { requestHash: 'a', responseHash: 'b' }
    expect(sealedProofText({ ...hashes, stream: false })).toBe('zg-sig-v1/e2ee-ct:a:b')
    expect(sealedProofText({ ...hashes, stream: true })).toBe('zg-sig-v1/e2ee-ct-stream:a:b')
  })
})

describe('base64url', () => {
  it.each(['', 'AA', '-_8', 'AAECAwQF'])('reads and writes "%s"', (text) => {
    expect(toBase64Url(fromBase64Url(text))).toBe(text)
  })

  it.each(['A', 'AA==', '+/', 'A A'])('refuses "%s"', (text) => {
    expect(() => fromBase64Url(text)).toThrow(TypeError)
  })
})

describe('a sealed request', () => {
  it('is opened by the enclave alone, and shows nothing of what is sealed', async () => {
    const { envelope } = await sealRequest(BODY, KEY)
    expect(envelope).toMatchObject({
      model: 'demo',
      stream: true,
      _e2ee: { sealed_fields: ['messages', 'tools'] },
    })
    expect(JSON.stringify(envelope)).not.toContain('lich')
    expect((await openRequest(envelope, KEY)).body).toEqual(BODY)
    await expect(openRequest(envelope, OTHER)).rejects.toMatchObject({
      code: 'e2ee_key_mismatch',
      status: 409,
    })
  })

  it('is never the same twice', async () => {
    const [one, two] = [await sealRequest(BODY, KEY), await sealRequest(BODY, KEY)]
    expect(one.envelope._e2ee.ciphertext).not.toBe(two.envelope._e2ee.ciphertext)
    expect(one.envelope._e2ee.client_eph_pub).not.toBe(two.envelope._e2ee.client_eph_pub)
  })

  it.each<[string, string, (envelope: Envelope) => Envelope]>([
    ['e2ee_open_failed', 'another model', (envelope) => ({ ...envelope, model: 'cheap' })],
    ['e2ee_open_failed', 'a field more', (envelope) => ({ ...envelope, max_tokens: 1 })],
    [
      'e2ee_open_failed',
      'another key for the answer',
      (envelope) => head(envelope, { client_eph_pub: toBase64Url(secret('x')) }),
    ],
    [
      'e2ee_open_failed',
      'another encapsulated key',
      (envelope) => head(envelope, { enc: toBase64Url(KEY.publicKey) }),
    ],
    ['e2ee_open_failed', 'another ciphertext', (envelope) => head(envelope, { ciphertext: 'AAAA' })],
    ['e2ee_open_failed', 'fields made unbound', (envelope) => head(envelope, { unbound_fields: ['model'] })],
    [
      'e2ee_open_failed',
      'fewer sealed fields',
      (envelope) => head(envelope, { sealed_fields: ['messages'] }),
    ],
    ['e2ee_key_mismatch', 'another key id', (envelope) => head(envelope, { key_id: 'AAAAAAAAAAA' })],
    [
      'e2ee_key_mismatch',
      'another signer',
      (envelope) => head(envelope, { signer_addr: `0x${'00'.repeat(20)}` }),
    ],
    ['e2ee_malformed', 'another version', (envelope) => head(envelope, { v: 2 })],
    ['e2ee_malformed', 'another KEM', (envelope) => head(envelope, { kem_id: '0x0010' })],
    ['e2ee_malformed', 'no sealed fields', (envelope) => head(envelope, { sealed_fields: [] })],
    [
      'e2ee_malformed',
      'sealed fields that are no list',
      (envelope) => head(envelope, { sealed_fields: 'messages' }),
    ],
    [
      'e2ee_malformed',
      'a sealed field twice',
      (envelope) => head(envelope, { sealed_fields: ['messages', 'messages'] }),
    ],
    [
      'e2ee_malformed',
      'unbound fields that are no list',
      (envelope) => head(envelope, { unbound_fields: 'model' }),
    ],
    ['e2ee_malformed', 'a key of another length', (envelope) => head(envelope, { client_eph_pub: 'AAAA' })],
    ['e2ee_malformed', 'a ciphertext that is no text', (envelope) => head(envelope, { ciphertext: 1 })],
    ['e2ee_malformed', 'no head', ({ _e2ee: _, ...clear }) => clear as unknown as Envelope],
  ])('fails with %s when it has %s', async (code, _case, change) => {
    const { envelope } = await sealRequest(BODY, KEY)
    await expect(openRequest(change(envelope), KEY)).rejects.toMatchObject({ code })
  })

  it('is not made of nothing', async () => {
    await expect(sealRequest({ model: 'demo' }, KEY)).rejects.toMatchObject({ code: 'e2ee_malformed' })
  })
})

describe('a sealed answer', () => {
  const FRAMES = [
    { id: 'a', choices: [{ delta: { content: 'one' } }] },
    { id: 'a', choices: [{ delta: { content: 'two' } }] },
    { id: 'a', choices: [], usage: { total_tokens: 3 } },
  ]
  const answered = async (
    unbound: readonly string[] = [],
  ): Promise<{ request: SealedRequest; frames: Envelope[] }> => {
    const request = await sealRequest(BODY, KEY)
    const { clientKey } = await openRequest(request.envelope, KEY)
    const sealer = await ResponseSealer.to(clientKey, unbound)
    const frames: Envelope[] = []
    for (const [index, frame] of FRAMES.entries())
      frames.push(await sealer.seal(frame, index === FRAMES.length - 1))
    return { request, frames }
  }

  it('is opened frame by frame, and says when it is whole', async () => {
    const { request, frames } = await answered()
    const opener = request.opener()
    expect(frames.map(({ _e2ee }) => [_e2ee.v, typeof _e2ee.enc, _e2ee.final])).toEqual([
      [1, 'string', false],
      [undefined, 'undefined', false],
      [undefined, 'undefined', true],
    ])
    for (const [index, frame] of frames.entries()) {
      expect(opener.isComplete).toBe(false)
      expect(await opener.open(frame)).toEqual(FRAMES[index])
    }
    expect(opener.isComplete).toBe(true)
    await expect(opener.open(frames[2]!)).rejects.toMatchObject({ code: 'e2ee_malformed' })
  })

  it('lets somebody on the way change what is unbound, and nothing else', async () => {
    const { request, frames } = await answered(['id'])
    const opener = request.opener()
    expect(await opener.open({ ...frames[0]!, id: 'b' })).toEqual({ ...FRAMES[0], id: 'b' })
    await expect(opener.open({ ...frames[1]!, more: 1 })).rejects.toMatchObject({
      code: 'e2ee_open_failed',
    })
  })

  it.each<[string, string, (frames: Envelope[]) => Envelope[]]>([
    ['e2ee_open_failed', 'frames in another order', ([a, b, c]) => [a!, c!, b!]],
    ['e2ee_open_failed', 'a frame twice', ([a, b]) => [a!, b!, b!]],
    ['e2ee_open_failed', 'a frame left out', ([a, , c]) => [a!, c!]],
    ['e2ee_malformed', 'the first frame left out', ([, b]) => [b!]],
    ['e2ee_open_failed', 'an end too early', ([a, b]) => [a!, head(b!, { final: true })]],
    ['e2ee_malformed', 'a second key', ([a, b]) => [a!, head(b!, { enc: a!._e2ee.enc })]],
    ['e2ee_malformed', 'an answer in clear', () => [{ choices: [] } as unknown as Envelope]],
    ['e2ee_malformed', 'a sealed field in clear too', ([a]) => [{ ...a!, choices: [] }]],
  ])('fails with %s on %s', async (code, _case, change) => {
    const { request, frames } = await answered(['choices'])
    const opener = request.opener()
    const open = async () => {
      for (const frame of change(frames)) await opener.open(frame)
    }
    await expect(open()).rejects.toMatchObject({ code })
  })

  it('is hashed as it is sealed', async () => {
    const { envelope } = await sealRequest(BODY, KEY)
    const { clientKey } = await openRequest(envelope, KEY)
    const sealed = await (await ResponseSealer.to(clientKey)).sealHashed(FRAMES[0]!, true)
    expect(sealed.hash).toBe(envelopeHash(sealed.envelope))
  })

  it('is opened again from its first frame by the request that asked', async () => {
    const { request, frames } = await answered()
    for (const opener of [request.opener(), request.opener()])
      expect(await opener.open(frames[0]!)).toEqual(FRAMES[0])
  })

  it('shows nothing of fields that nobody has thought of', async () => {
    const body = { ...BODY, temperature: 0, response_format: { type: 'json_schema' }, invented: 'secret' }
    const request = await sealRequest(body, KEY)
    expect(request.envelope._e2ee.sealed_fields).toEqual(['messages', 'tools', 'response_format', 'invented'])
    expect(request.envelope).toMatchObject({ temperature: 0, stream: true })
    const { clientKey } = await openRequest(request.envelope, KEY)
    const sealer = await ResponseSealer.to(clientKey)
    const frame = await sealer.seal({ id: 'a', prompt_logprobs: ['secret'], usage: {} }, true)
    expect(Object.keys(frame)).toEqual(['id', 'usage', '_e2ee'])
    expect(await request.opener().open(frame)).toEqual({ id: 'a', prompt_logprobs: ['secret'], usage: {} })
  })

  it('is opened by nobody else', async () => {
    const { frames } = await answered()
    const other = await sealRequest(BODY, KEY)
    await expect(other.opener().open(frames[0]!)).rejects.toMatchObject({ code: 'e2ee_open_failed' })
  })
})
