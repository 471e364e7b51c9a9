import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import type { Broker } from '../../src/provider/broker.ts'
import { startEmbeddedEngine } from '../../src/provider/engine/embedded/startEmbeddedEngine.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { runCli } from '../support/cli.ts'
import { devnetHome } from '../support/devnetHome.ts'
import {
  type ProofDocument,
  startTamperProxy,
  type Tampering,
  type TamperProxy,
} from '../support/tamperProxy.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
let engine: Engine
let broker: Broker
let proxy: TamperProxy
let env: Record<string, string>

beforeAll(async () => {
  ;[world, engine, proxy] = await Promise.all([
    startWorld(),
    startEmbeddedEngine({ modelPath: 'models/demo/demo.gguf', logger: silentLogger }),
    startTamperProxy(),
  ])
  broker = await world.startBroker(engine, { publicUrl: proxy.url })
  proxy.target = `http://127.0.0.1:${broker.port}`
  env = devnetHome(world, proxy.url)
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await proxy?.stop()
})

afterEach(() => {
  proxy.tampering = null
})

const infer = (...options: string[]) =>
  runCli(
    ['infer', 'What is a receipt?', '--temperature', '0', '--max-tokens', '24', '--json', ...options],
    env,
  )

async function rejected(tampering: Tampering, ...options: string[]): Promise<string> {
  proxy.tampering = tampering
  const { code, stdout } = await infer(...options)
  expect(code, stdout).toBe(10)
  const result = JSON.parse(stdout)
  expect(result.verdict).toBe('rejected')
  return result.failedStep
}

/** The text proof covers what was sealed, the receipt every byte on the wire. */
const CHANGED = ['response-hash', 'receipt-response']

const flip = (bytes: Buffer, at: number): Buffer => {
  const changed = Buffer.from(bytes)
  changed[at]! ^= 1
  return changed
}

const flipHex = (hex: string, at: number): string =>
  hex.slice(0, at) + (hex[at] === '0' ? '1' : '0') + hex.slice(at + 1)

describe('a machine between user and enclave', () => {
  it('that changes nothing is accepted, streaming and not', async () => {
    for (const options of [[], ['--no-stream']]) {
      const { code, stdout, stderr } = await infer(...options)
      expect(code, stdout + stderr).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ verdict: 'accepted', assurance: 'simulated' })
    }
  })

  it.each([0, 0.1, 0.3, 0.5, 0.7, 0.9, 1])(
    'that flips a byte of a stream, at %s of its length, is found out',
    async (at) => {
      const failed = await rejected({ response: (body) => flip(body, Math.floor(at * (body.length - 1))) })
      expect(CHANGED).toContain(failed)
    },
  )

  it.each([0, 0.5, 1])(
    'that flips a byte of a whole answer, at %s of its length, is found out',
    async (at) => {
      const tampering = { response: (body: Buffer) => flip(body, Math.floor(at * (body.length - 1))) }
      for (const options of [[], ['--no-private']])
        expect(CHANGED).toContain(await rejected(tampering, '--no-stream', ...options))
    },
  )

  it('that adds a frame, leaves one out or cuts the end off is found out', async () => {
    const frame = Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"!"}}]}\n\n')
    const done = Buffer.from('data: [DONE]\n\n')
    await rejected({ response: (body) => Buffer.concat([frame, body]) })
    await rejected({ response: (body) => body.subarray(body.indexOf('\n\n') + 2) })
    await rejected({
      response: (body) => Buffer.concat([body.subarray(0, Math.floor(body.length / 2)), done]),
    })
  })

  it.each([['--private'], ['--no-private']])(
    'that changes the question, %s, is found out by the enclave, and nothing is charged',
    async (...options) => {
      const request = (body: Buffer) =>
        Buffer.from(body.toString().replace('"max_tokens":24', '"max_tokens":64'))
      proxy.tampering = { request }
      const { code, stdout } = await infer(...options)
      expect(code, stdout).toBe(1)
      expect(JSON.parse(stdout)).toMatchObject({ code: 'request_body_changed' })
    },
  )

  it('that reads along learns nothing of a sealed request, and all of one that is not', async () => {
    const seen: string[] = []
    const request = (body: Buffer) => {
      seen.push(body.toString())
      return body
    }
    for (const options of [['--private'], ['--no-private']]) {
      proxy.tampering = { request }
      const { code, stdout, stderr } = await infer(...options)
      expect(code, stdout + stderr).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ sealed: options[0] === '--private', auth: 'session' })
    }
    expect(seen.map((body) => body.includes('a receipt'))).toEqual([false, true])
  })

  it.each([2, 40, 66, 100, 129])('that changes digit %s of the signature is found out', async (at) => {
    const proof = (document: ProofDocument) => ({
      ...document,
      signature: flipHex(String(document.signature), at),
    })
    expect(await rejected({ proof })).toBe('text-signature')
  })

  it('that answers with a valid proof of another exchange is found out', async () => {
    const other = proxy.ids[0]!
    const proof = async (_document: ProofDocument, _id: string) =>
      (await (await fetch(`${proxy.target}/v1/proxy/signature/${other}`)).json()) as ProofDocument
    expect(['request-hash', 'response-hash']).toContain(await rejected({ proof }))
  })

  it.each([
    ['fee', '1'],
    ['cumulative', '1'],
    ['seq', 1],
    ['issuedAt', 1],
    ['user', `0x${'11'.repeat(20)}`],
    ['provider', `0x${'22'.repeat(20)}`],
  ])('that changes %s in the receipt is found out', async (field, value) => {
    const proof = (document: ProofDocument) => ({
      ...document,
      receipt: { ...document.receipt, receipt: { ...document.receipt.receipt, [field]: value } },
    })
    await rejected({ proof })
  })

  it('that changes the detail of the receipt is found out', async () => {
    const proof = (document: ProofDocument) => ({
      ...document,
      receipt: {
        ...document.receipt,
        detail: String(document.receipt.detail).replace('complete', 'partial'),
      },
    })
    await rejected({ proof })
  })

  it('that keeps the receipt back leaves the answer incomplete: printed, exit 11', async () => {
    const strip = (headers: Record<string, string>) =>
      Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'zg-receipt'))
    const proof = ({ receipt: _, ...rest }: ProofDocument) => rest as ProofDocument
    proxy.tampering = { proof, headers: strip }
    const { code, stdout } = await infer()
    expect(code, stdout).toBe(11)
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({ verdict: 'incomplete' })
    expect(result.text).toMatch(/receipt/i)
  })

  it('costs the user only what was delivered: the account adds up, and the audit names what was rejected', async () => {
    await broker.settler.settleNow()
    const { code, stdout } = await runCli(['receipts', 'audit', '--json'], env)
    const { difference, providers } = JSON.parse(stdout)
    expect(difference, stdout).toBe('0')
    expect(providers[0].unexplained).toMatchObject([{ kind: 'rejected' }])
    expect(code).toBe(10)
  })
})
