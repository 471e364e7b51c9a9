import { createHash, randomBytes } from 'node:crypto'
import { getBytes } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address, Hex } from '../../../src/base/hex.ts'
import { createToken, parseToken, tokenHash } from '../../../src/protocol/sessionToken.ts'
import { addressOf } from '../../../src/protocol/signature.ts'
import { type RequestStatement, signRequest } from '../../../src/protocol/signedRequest.ts'
import { type Answer, type Bench, CHAT, startBench } from '../../support/brokerBench.ts'

let bench: Bench
let token: string
const sessionKey = randomBytes(32)

beforeAll(async () => {
  bench = await startBench()
  token = await bound()
})

afterAll(() => bench?.stop())

/** A token that is bound to the session key. */
async function bound(change: object = {}): Promise<string> {
  const { network, user } = bench.world
  const claims = {
    address: user.address as Address,
    provider: bench.broker.provider,
    timestamp: Date.now(),
    expiresAt: Date.now() + 3_600_000,
    nonce: randomBytes(16).toString('hex'),
    generation: 0,
    tokenId: 255,
    chainId: network.chainId,
    contract: network.inference,
    sessionKey: addressOf(sessionKey),
    ...change,
  }
  return createToken(claims, async (hash) => (await user.signMessage(getBytes(hash))) as Hex)
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

interface Signing {
  readonly path?: string
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly change?: Partial<RequestStatement>
  readonly key?: Uint8Array
}

function signature(body: string, { path = CHAT, method = 'POST', headers = {}, change, key }: Signing = {}) {
  const { chainId, inference } = bench.world.network
  const header = signRequest(key ?? sessionKey, chainId, inference, {
    token: tokenHash(parseToken(token)!.message),
    nonce: randomBytes(16).toString('hex'),
    time: Math.floor(Date.now() / 1000),
    head: { method, path, headers },
    bodyHash: sha256(body),
    ...change,
  })
  return { authorization: `Bearer ${token}`, ...headers, 'zg-request-signature': header }
}

const post = (body: string, signing?: Signing): Promise<Answer> => bench.post(body, signature(body, signing))

describe('a request that its session key signed', () => {
  it('is answered, and both kinds of callers are told apart', async () => {
    const body = bench.chat()
    const signed = await post(body)
    expect([signed.status, signed.headers.get('zg-auth')]).toEqual([200, 'session'])
    const stream = await post(bench.chat({ stream: true }))
    expect([stream.status, stream.headers.get('zg-auth')]).toEqual([200, 'session'])
    const bearer = await bench.post(body)
    expect([bearer.status, bearer.headers.get('zg-auth')]).toEqual([200, 'bearer'])
  })

  it('may read its own receipts and what it owes', async () => {
    for (const name of ['receipts', 'unsettledfee']) {
      const path = `/v1/user/${bench.world.user.address}/${name}`
      const ask = (headers: Record<string, string>) =>
        fetch(`${bench.broker.url}${path}?after=0`, { headers })
      expect((await ask(signature('', { path, method: 'GET' }))).status).toBe(200)
      expect((await ask({ authorization: `Bearer ${token}` })).status).toBe(401)
    }
  })

  it('binds price and idempotency key', async () => {
    const headers = {
      'zg-max-price': `input=${10n ** 12n},output=${10n ** 12n}`,
      'idempotency-key': 'signed',
    }
    expect((await post(bench.chat(), { headers })).status).toBe(200)
  })
})

describe('a host that saw a token cannot spend with it', () => {
  const refused = async (answer: Promise<Answer>): Promise<string | undefined> => {
    const { status, code } = await answer
    expect(status).toBe(401)
    return code
  }
  let before: { owed: bigint; requests: number }

  it('without a signature, with one that is none, or by another key', async () => {
    before = { owed: await bench.owed(), requests: bench.scripted.requests.length }
    const body = bench.chat()
    const authorization = `Bearer ${token}`
    expect(await refused(bench.post(body, { authorization }))).toBe('request_signature_missing')
    const none = { authorization, 'zg-request-signature': 'v1,x' }
    expect(await refused(bench.post(body, none))).toBe('request_signature_invalid')
    expect(await refused(post(body, { key: randomBytes(32) }))).toBe('request_signature_invalid')
  })

  it('with the signature of another request', async () => {
    const body = bench.chat()
    const other = bench.chat({ max_tokens: 4000 })
    expect(await refused(bench.post(other, signature(body)))).toBe('request_body_changed')
    const headers = { 'zg-max-price': 'input=1,output=1' }
    const raised = {
      ...signature(body, { headers }),
      'zg-max-price': `input=${10n ** 12n},output=${10n ** 12n}`,
    }
    expect(await refused(bench.post(body, raised))).toBe('request_signature_invalid')
    const keyed: Record<string, string> = signature(body, { headers: { 'idempotency-key': 'a' } })
    const { 'idempotency-key': _, ...stripped } = keyed
    expect(await refused(bench.post(body, stripped))).toBe('request_signature_invalid')
    expect(await refused(bench.post(body, signature(body), '/v1/proxy/completions'))).toBe(
      'request_signature_invalid',
    )
    const path = `/v1/user/${bench.world.user.address}/receipts`
    expect(await refused(post(body, { path, method: 'GET' }))).toBe('request_signature_invalid')
  })

  it('with the same request again, or with an old one', async () => {
    const body = bench.chat()
    const headers = signature(body)
    expect((await bench.post(body, headers)).status).toBe(200)
    expect(await refused(bench.post(body, headers))).toBe('request_replayed')
    for (const skew of [-125, 125]) {
      const change = { time: Math.floor(Date.now() / 1000) + skew }
      expect(await refused(post(body, { change }))).toBe('request_time_invalid')
    }
  })

  it('with a token for another contract or chain, or of another user', async () => {
    const good = token
    for (const change of [{ contract: bench.broker.provider }, { chainId: 16661 }]) {
      token = await bound(change)
      expect(await refused(post(bench.chat()))).toBe('token_wrong_contract')
    }
    token = await bound({ address: bench.broker.provider })
    expect(await refused(post(bench.chat()))).toBe('token_signature_invalid')
    token = good
  })

  it('and nothing of that was charged or run', async () => {
    // One honest request went through above.
    expect(await bench.owed()).toBe(before.owed + 26n * 10n ** 9n)
    expect(bench.scripted.requests.length).toBe(before.requests + 1)
  })

  it('a replay after a restart is not run either, and never charged', async () => {
    const body = bench.chat()
    const headers = signature(body)
    expect((await bench.post(body, headers)).status).toBe(200)
    const charged = (await bench.receipts()).receipts.length
    const { length } = bench.scripted.requests
    await bench.broker.stop()
    const restarted = await bench.world.startBroker(bench.engine)
    const again = await fetch(restarted.url + CHAT, { method: 'POST', headers, body })
    expect(again.status).toBe(401)
    expect((await again.json()).error.code).toBe('request_replayed')
    expect(bench.scripted.requests.length).toBe(length)
    const path = `/v1/user/${bench.world.user.address}/receipts`
    const known = await fetch(restarted.url + path, { headers: { authorization: `Bearer ${bench.token}` } })
    expect((await known.json()).receipts.length).toBe(charged)
  })
})
