import type { HDNodeWallet } from 'ethers'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../../src/base/errors.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { eip1193Account } from '../../../src/client/accounts/eip1193Account.ts'
import { keystoreAccount } from '../../../src/client/accounts/keystoreAccount.ts'
import { signerAccount } from '../../../src/client/accounts/signerAccount.ts'
import type { Answer } from '../../../src/client/answer.ts'
import type { Compute } from '../../../src/client/compute.ts'
import { openCompute } from '../../../src/client/openCompute.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startTamperProxy, type TamperProxy } from '../../support/tamperProxy.ts'
import { startWorld, type World } from '../../support/world.ts'
import { approval, clientOf } from './clientOf.ts'

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
let host: TamperProxy
let compute: Compute

beforeAll(async () => {
  ;[world, scripted, host] = await Promise.all([startWorld(), startScriptedEngine(), startTamperProxy()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  broker = await world.startBroker(engine, { publicUrl: host.url })
  host.target = `http://127.0.0.1:${broker.port}`
  compute = await clientOf(world, world.anvil.wallets[3] as HDNodeWallet)
})

beforeEach(() => {
  host.tampering = null
})

afterAll(async () => {
  await compute?.close()
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
  await host?.stop()
})

const CHAT = { model: 'steady', messages: [{ role: 'user' as const, content: 'x' }], max_tokens: 5 }
const budget = ONE_0G

async function stream(openai: OpenAI, model = 'steady'): Promise<string> {
  let text = ''
  for await (const chunk of await openai.chat.completions.create({
    ...CHAT,
    model,
    max_tokens: model === 'dies' ? 9 : 5,
    stream: true,
  })) {
    text += chunk.choices[0]?.delta.content ?? ''
  }
  return text
}

describe('the official OpenAI client', () => {
  it('is paid for and verified, streaming and not, within a budget', async () => {
    const answers: Answer[] = []
    const openai = new OpenAI(
      await compute.openai({ budget, onAnswer: (answer) => void answers.push(answer) }),
    )
    const { data, response } = await openai.chat.completions.create(CHAT).withResponse()
    expect(data.choices[0]!.message.content).toBe('tok '.repeat(5))
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-0g-verdict': 'accepted',
      'x-0g-assurance': 'simulated',
      'x-0g-provider': broker.provider,
      'x-0g-fee': answers[0]!.fee!.toString(),
      'x-0g-receipt': answers[0]!.id,
      'x-0g-sealed': 'true',
      'x-0g-auth': 'session',
    })
    expect(await stream(openai)).toBe('t0 t1 t2 t3 t4 ')
    expect(answers.map(({ verdict }) => verdict.outcome)).toEqual(['accepted', 'accepted'])
    expect((await openai.models.list()).data.map(({ id }) => id)).toContain('steady')
  })

  it('pays from what lies at the provider where no budget is given', async () => {
    await compute.ensureFunds(broker.provider, ONE_0G, approval().hooks)
    expect(await stream(new OpenAI(await compute.openai()))).toBe('t0 t1 t2 t3 t4 ')
  })

  it('names no model where the settings do', async () => {
    const openai = new OpenAI(await compute.openai({ model: 'dies' }))
    await expect(openai.chat.completions.create({ ...CHAT, model: 'auto' })).rejects.toThrow()
    expect(JSON.parse(scripted.requests.at(-1)!.body).model).toBe('dies')
  })

  it.each([true, false])(
    'gets no regular end of an answer that was changed on its way, stream %s',
    async (streams) => {
      const openai = new OpenAI(await compute.openai())
      host.tampering = { response: (body) => Buffer.from(body.toString().replace('t', 'x')) }
      const failure = await (streams ? stream(openai) : openai.chat.completions.create(CHAT)).catch(
        (error) => error,
      )
      const code = failure instanceof AppError ? failure.code : (failure as { code: string }).code
      expect(code).toBe('answer_rejected')
      // It was paid for once: nothing is sent again by itself.
      expect(scripted.requests.at(-1)!.path).toBe('/v1/chat/completions')
    },
  )

  it('may insist on answers that are checked in full', async () => {
    host.tampering = {
      proof: ({ receipt: _, ...rest }) => rest as never,
      headers: ({ 'zg-receipt': _, ...rest }) => rest as never,
    }
    const lenient = new OpenAI(await compute.openai())
    const { response } = await lenient.chat.completions.create(CHAT).withResponse()
    expect(response.headers.get('x-0g-verdict')).toBe('incomplete')
    const strict = new OpenAI(await compute.openai({ requireAccepted: true }))
    await expect(strict.chat.completions.create(CHAT)).rejects.toMatchObject({ code: 'answer_incomplete' })
  })

  it('does not pay twice for an answer that was rejected', async () => {
    const openai = new OpenAI({ ...(await compute.openai()), maxRetries: 2 })
    host.tampering = { response: (body) => Buffer.from(body.toString().replace('tok', 'kot')) }
    const before = scripted.requests.length
    await expect(openai.chat.completions.create(CHAT)).rejects.toMatchObject({
      code: 'answer_rejected',
      status: 502,
    })
    expect(scripted.requests.length - before).toBe(1)
  })

  it('is told when an answer breaks off', async () => {
    const openai = new OpenAI(await compute.openai())
    await expect(stream(openai, 'dies')).rejects.toMatchObject({ code: 'engine_died' })
    await expect(openai.chat.completions.create({ ...CHAT, model: 'fails' })).rejects.toMatchObject({
      status: 502,
      code: 'engine_failed',
    })
  })

  it('moves nothing beyond its budget, and nothing without one', async () => {
    for (const [index, options] of [{}, { budget: 1n }].entries()) {
      const wallet = world.anvil.wallets[4 + index] as HDNodeWallet
      const poor = await clientOf(world, wallet)
      const openai = new OpenAI(await poor.openai(options))
      await expect(openai.chat.completions.create(CHAT)).rejects.toMatchObject({
        status: 402,
        code: 'funding_needed',
      })
      expect(await world.anvil.rpc.getTransactionCount(wallet.address)).toBe(0)
      await poor.close()
    }
  })

  it.each([
    [404, 'model_unknown', { model: 'no such model' }],
    [400, 'request_invalid', { max_tokens: -1 }],
  ])('gets %s %s before anything is sent', async (status, code, change) => {
    const before = scripted.requests.length
    const openai = new OpenAI(await compute.openai())
    await expect(openai.chat.completions.create({ ...CHAT, ...change })).rejects.toMatchObject({
      status,
      code,
    })
    expect(scripted.requests).toHaveLength(before)
  })

  it('may leave a stream, and pays for what came', async () => {
    const openai = new OpenAI(await compute.openai())
    scripted.delayMs = 10
    for await (const _ of await openai.chat.completions.create({ ...CHAT, max_tokens: 400, stream: true }))
      break
    scripted.delayMs = 0
    expect((await compute.audit()).difference).toBe(0n)
  })

  it('works the way the Vercel AI SDK calls it: a URL as text, a signal, bytes of a stream', async () => {
    const { baseURL, apiKey, fetch } = await compute.openai()
    const response = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${apiKey}` },
      body: JSON.stringify({ ...CHAT, stream: true }),
      signal: new AbortController().signal,
    })
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/)
    expect((await fetch(`${baseURL}/chat/nonsense`, { method: 'POST', body: '{}' })).status).toBe(404)
  })
})

describe('an account', () => {
  const opened = async (account: Awaited<ReturnType<typeof signerAccount>>) => {
    const client = await openCompute({ network: world.network, account })
    const { choices } = await new OpenAI(await client.openai({ budget })).chat.completions.create(CHAT)
    await client.close()
    return choices
  }

  it('is an ethers wallet', async () => {
    expect(await opened(await signerAccount(world.anvil.wallets[6]!))).toHaveLength(1)
  })

  it('is a Web3 keystore', async () => {
    const json = await world.anvil.wallets[7]!.encrypt('secret')
    await expect(keystoreAccount(json, 'another')).rejects.toMatchObject({
      code: 'keystore_locked',
      exitCode: 4,
    })
    expect(await opened(await keystoreAccount(json, 'secret'))).toHaveLength(1)
  })

  it('is any EIP-1193 wallet, which signs by itself', async () => {
    const wallet = world.anvil.wallets[8]!.connect(world.anvil.rpc)
    const asked: string[] = []
    const request = async ({ method, params = [] }: { method: string; params?: unknown[] | object }) => {
      asked.push(method)
      if (method === 'eth_requestAccounts' || method === 'eth_accounts') return [wallet.address]
      return world.anvil.rpc.send(method, params as unknown[])
    }
    expect(await opened(await eip1193Account({ request }, world.network))).toHaveLength(1)
    expect(asked).toContain('eth_sendTransaction')
    expect(asked).toContain('personal_sign')
    const elsewhere = { ...world.network, chainId: 1 }
    await expect(eip1193Account({ request }, elsewhere)).rejects.toMatchObject({ code: 'wallet_wrong_chain' })
  })
})
