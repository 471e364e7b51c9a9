import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { silentLogger } from '../../../src/base/log.ts'
import type { Answer } from '../../../src/client/answer.ts'
import type { Compute } from '../../../src/client/compute.ts'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'
import { openCompute } from '../../../src/client/openCompute.ts'
import { memoryReceiptStore } from '../../../src/client/receipts/memoryReceiptStore.ts'
import type { HttpRequest } from '../../../src/client/runtime.ts'
import { parseToken } from '../../../src/protocol/sessionToken.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { encryptionKeyOf } from '../../../src/provider/tee/encryptionKey.ts'
import type { Tee } from '../../../src/provider/tee/tee.ts'
import { runCli } from '../../support/cli.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startWorld, type World } from '../../support/world.ts'
import { approval, clientOf } from './clientOf.ts'

const SECRET = 'Xylophon'
const QUESTION = {
  model: 'steady',
  messages: [{ role: 'user', content: SECRET }] as const,
  maxTokens: 4,
}

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
let home: string
const { hooks } = approval()

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  broker = await world.startBroker(engine)
  await world.fund(world.user)
  home = mkdtempSync(join(tmpdir(), 'zg-home-'))
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
  rmSync(home, { recursive: true, force: true })
})

/** A client whose requests can be looked at as they leave. */
async function watched() {
  const sent: HttpRequest[] = []
  const runtime = nodeRuntime()
  const watching = {
    ...runtime,
    request: (request: HttpRequest) => {
      sent.push(request)
      return runtime.request(request)
    },
  }
  const compute = await clientOf(world, world.user, memoryReceiptStore(), watching)
  const posted = () => sent.filter(({ method }) => method === 'POST')
  return {
    compute,
    sent,
    posted,
    bodies: () => posted().map(({ body }) => Buffer.from(body as Uint8Array).toString()),
  }
}

const atHome = (dir: string, wallet: HDNodeWallet = world.user): Promise<Compute> =>
  openCompute({
    network: world.network,
    account: { address: wallet.address as Address, signer: (rpc) => wallet.connect(rpc) },
    stateDir: dir,
  })

async function restart(tee: Tee): Promise<void> {
  const { port } = broker
  await broker.stop()
  broker = await world.startBroker(engine, { tee, listen: { host: '127.0.0.1', port } })
}

describe('privacy', () => {
  it.each([true, false])(
    'is on where evidence carries a key: nothing said leaves readable (stream: %s)',
    async (stream) => {
      const { compute, bodies } = await watched()
      const answer = await compute.infer({ ...QUESTION, stream }, hooks)
      expect(answer).toMatchObject({ sealed: true, auth: 'session', verdict: { outcome: 'accepted' } })
      expect(answer.text).toBe(stream ? 't0 t1 t2 t3 ' : 'tok tok tok tok ')
      expect(bodies().length).toBeGreaterThan(0)
      for (const body of bodies()) expect(body).not.toContain(SECRET)
      expect(scripted.requests.at(-1)!.body).toContain(SECRET)
      expect(answer.receipt!.detail).toContain('"sealed"')
      await compute.close()
    },
  )

  it('can be switched off, and the answer says so', async () => {
    const { compute, bodies } = await watched()
    const answer = await compute.infer({ ...QUESTION, private: false }, hooks)
    expect(answer).toMatchObject({ sealed: false, verdict: { outcome: 'accepted' } })
    expect(bodies().at(-1)).toContain(SECRET)
    await compute.close()
  })

  it('is switched by --private and --no-private of infer and chat', async () => {
    const env = devnetHome(world, broker.url)
    const options = ['--model', 'steady', '--max-tokens', '4', '--json']
    for (const [flag, sealed] of [
      ['--private', true],
      ['--no-private', false],
    ] as const) {
      const inferred = await runCli(['infer', SECRET, ...options, flag], env)
      const chatted = await runCli(['chat', ...options, flag], env, `${SECRET}\n`)
      for (const { code, stdout, stderr } of [inferred, chatted]) {
        expect(code, stdout + stderr).toBe(0)
        expect(JSON.parse(stdout.split('\n')[0]!)).toMatchObject({ sealed, verdict: 'accepted' })
      }
    }
  })

  it("reaches the official client, streams, embeddings and the engine's refusals included", async () => {
    const { compute, bodies } = await watched()
    const answers: Answer[] = []
    const openai = new OpenAI(
      await compute.openai({ private: true, approve: () => true, onAnswer: (a) => answers.push(a) }),
    )
    const body = { model: 'steady', messages: [{ role: 'user' as const, content: SECRET }], max_tokens: 4 }
    const whole = await openai.chat.completions.create(body)
    expect(whole.choices[0]!.message.content).toBe('tok tok tok tok ')
    let text = ''
    for await (const chunk of await openai.chat.completions.create({ ...body, stream: true }))
      text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toBe('t0 t1 t2 t3 ')
    await openai.completions.create({ model: 'steady', prompt: SECRET, max_tokens: 2 })
    await expect(openai.chat.completions.create({ ...body, model: 'refuses' })).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining(SECRET),
    })
    expect(answers.map(({ sealed, verdict }) => [sealed, verdict.outcome])).toEqual(
      Array(3).fill([true, 'accepted']),
    )
    for (const sent of bodies()) expect(sent).not.toContain(SECRET)
    await compute.close()
  })

  it("holds for a stream of Anthropic's messages that breaks off, and what came of it is paid", async () => {
    const { compute, bodies } = await watched()
    const body = { max_tokens: 50, stream: true, messages: [{ role: 'user', content: SECRET }] }
    const asked = { endpoint: '/v1/messages', model: 'dies', body, limitsTokens: false } as const
    const { pieces } = await compute.buy(asked, hooks)
    let text = ''
    const reading = async () => {
      for await (const piece of pieces) text += piece.text
    }
    await expect(reading()).rejects.toMatchObject({
      code: 'engine_died',
      details: { fee: expect.stringMatching(/^[1-9]\d*$/), verdict: 'incomplete' },
    })
    expect(text).toBe('t0 t1 t2 t3 t4 ')
    for (const sent of bodies()) expect(sent).not.toContain(SECRET)
    await compute.close()
  })

  it('keeps retries under one idempotency key one answer', async () => {
    const { compute, bodies } = await watched()
    const ask = async () => {
      const { pieces } = await compute.buy(
        {
          endpoint: '/v1/chat/completions',
          body: { model: 'steady', messages: QUESTION.messages, max_tokens: 20, stream: true },
          limitsTokens: true,
          idempotencyKey: 'again',
        },
        hooks,
      )
      for (;;) {
        const step = await pieces.next()
        if (step.done) return step.value
      }
    }
    // Long enough for the second to come while the first runs.
    scripted.delayMs = 100
    const before = scripted.requests.length
    const [one, two] = await Promise.all([ask(), ask()])
    scripted.delayMs = 0
    expect([one.text, one.verdict.outcome, two.verdict.outcome]).toEqual([two.text, 'accepted', 'accepted'])
    expect(one.id).toBe(two.id)
    expect(scripted.requests.length).toBe(before + 1)
    expect(new Set(bodies()).size).toBe(1)
    await compute.close()
  })

  it('looks at the evidence again when the enclave has another key', async () => {
    const { compute } = await watched()
    await compute.infer(QUESTION, hooks)
    const other = encryptionKeyOf(createHash('sha256').update('another').digest())
    await restart({ ...world.tee, encryption: other })
    const answer = await compute.infer({ ...QUESTION, private: true }, hooks)
    expect(answer).toMatchObject({ sealed: true, verdict: { outcome: 'accepted' } })
    await restart(world.tee)
    await compute.close()
  })

  it('that is asked for and cannot be had sends nothing; not asked for, the request goes in clear', async () => {
    await restart({ ...world.tee, encryption: null })
    const { compute, posted } = await watched()
    await expect(compute.infer({ ...QUESTION, private: true }, hooks)).rejects.toMatchObject({
      code: 'private_unavailable',
      exitCode: 20,
    })
    expect(posted()).toEqual([])
    expect(await compute.infer(QUESTION, hooks)).toMatchObject({
      sealed: false,
      verdict: { outcome: 'accepted' },
    })
    await compute.close()
    await restart(world.tee)
  })
})

describe('session keys', () => {
  it('sign every request that needs a token, and no two alike', async () => {
    const { compute, sent } = await watched()
    await compute.infer(QUESTION, hooks)
    await compute.fundStatus({ askProviders: true })
    const authorised = sent.filter(({ headers }) => headers?.authorization)
    expect(authorised.length).toBeGreaterThan(3)
    const signatures = authorised.map(({ headers }) => headers!['zg-request-signature'])
    expect(signatures.every((signature) => signature?.startsWith('v1,'))).toBe(true)
    expect(new Set(signatures).size).toBe(signatures.length)
    const { claims } = parseToken(authorised[0]!.headers!.authorization!.slice(7))!
    expect(claims).toMatchObject({ chainId: 31337, contract: world.network.inference })
    expect(claims.sessionKey).not.toBe(world.user.address)
    await compute.close()
  })
})

describe('capabilities that were seen', () => {
  it('may not vanish, for the next run of this client neither', async () => {
    const first = await atHome(home)
    await first.infer(QUESTION, hooks)
    await first.close()
    await restart({ ...world.tee, encryption: null })
    const second = await atHome(home)
    await expect(second.infer(QUESTION, hooks)).rejects.toMatchObject({
      code: 'provider_rejected',
      details: { step: 'capabilities' },
      message: expect.stringContaining('e2ee'),
    })
    await second.close()
    const stranger = await atHome(mkdtempSync(join(home, 'other-')))
    expect((await stranger.infer(QUESTION, hooks)).verdict.outcome).toBe('accepted')
    await stranger.close()
    await restart(world.tee)
    const third = await atHome(home)
    expect(await third.infer(QUESTION, hooks)).toMatchObject({ sealed: true })
    await third.close()
  })
})
