import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyProvider } from '../../src/attestation/verifyProvider.ts'
import type { Address } from '../../src/base/hex.ts'
import { silentLogger } from '../../src/base/log.ts'
import { findService, type Service } from '../../src/chain/inference.ts'
import type { Broker } from '../../src/provider/broker.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import { type ScriptedEngine, startScriptedEngine } from '../support/scriptedEngine.ts'
import { startWorld, type World } from '../support/world.ts'

const nonceOf = (index: number): string => createHash('sha256').update(`nonce ${index}`).digest('hex')

describe("a running broker's evidence", () => {
  let world: World
  let scripted: ScriptedEngine
  let broker: Broker
  let service: Service

  beforeAll(async () => {
    ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
    const engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
    broker = await world.startBroker(engine)
    service = (await findService(world.inference, world.provider.address as Address))!
  })
  afterAll(async () => {
    await world?.stop()
    await scripted?.stop()
  })

  const get = async (path: string) => {
    const response = await fetch(`${broker.url}${path}`)
    return { status: response.status, text: await response.text() }
  }
  const verify = async (document: string, nonce: string | null) => {
    const [capabilities, models] = await Promise.all([get('/v1/capabilities'), get('/v1/models')])
    const announced = (JSON.parse(models.text) as { data: { id: string; model_digest: string | null }[] })
      .data
    return verifyProvider({
      network: world.network,
      service,
      document,
      nonce,
      capabilities: capabilities.text,
      models: announced.map(({ id, model_digest }) => ({ id, digest: model_digest })),
    })
  }

  it('is accepted for the nonce that it was asked with, and for no other', async () => {
    const { text } = await get(`/v1/quote?nonce=${nonceOf(0)}`)
    const verdict = await verify(text, nonceOf(0))
    expect(verdict.steps.filter(({ result }) => result === 'fail')).toEqual([])
    expect([verdict.outcome, verdict.assurance]).toEqual(['accepted', 'simulated'])
    expect(verdict.encryptionKey).toMatch(/^[0-9a-f]{64}$/)
    const replayed = await verify(text, nonceOf(1))
    expect(replayed.steps.filter(({ result }) => result === 'fail').map(({ name }) => name)).toEqual([
      'freshness',
    ])
  })

  it('is one quote for callers of one second, each of whom accepts it', async () => {
    const nonces = Array.from({ length: 32 }, (_, index) => nonceOf(100 + index))
    const answers = await Promise.all(nonces.map((nonce) => get(`/v1/quote?nonce=${nonce}`)))
    const quotes = new Set(answers.map(({ text }) => (JSON.parse(text) as { quote: string }).quote))
    expect(quotes.size).toBeLessThanOrEqual(3)
    for (const [index, { text }] of answers.entries()) {
      if (index % 8 === 0) expect((await verify(text, nonces[index]!)).outcome).toBe('accepted')
    }
  })

  it('is in the deployed layout without a nonce, the same for everybody, and called replayable', async () => {
    const [one, two] = [await get('/v1/quote'), await get('/v1/quote')]
    expect(two.text).toBe(one.text)
    const stated = Buffer.from((JSON.parse(one.text) as { report_data: string }).report_data, 'base64')
    expect(stated.toString().replace(/\0+$/, '')).toBe(service.teeSignerAddress)
    const verdict = await verify(one.text, nonceOf(0))
    expect(verdict.outcome).toBe('incomplete')
    expect(verdict.steps.find(({ name }) => name === 'freshness')?.detail).toContain('replayable')
  })

  it('is refused for a nonce that is none', async () => {
    const { status, text } = await get('/v1/quote?nonce=12')
    expect(status).toBe(400)
    expect(text).toContain('nonce_invalid')
  })
})
