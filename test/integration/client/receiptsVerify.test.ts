import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalJson, sha256Text } from '../../../src/protocol/canonical.ts'
import type { ReceiptJson } from '../../../src/protocol/receipt.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { runCli } from '../../support/cli.ts'
import { equivocate } from '../../support/equivocate.ts'
import { openTamperedShop, type TamperedShop } from '../../support/shop.ts'
import type { World } from '../../support/world.ts'

let shop: TamperedShop
let world: World
let broker: Broker
let env: Record<string, string>
let file: TamperedShop['file']

beforeAll(async () => {
  shop = await openTamperedShop()
  ;({ world, broker, env, file } = shop)
})

afterAll(() => shop?.stop())

const ASK = ['infer', 'Say something', '--model', 'steady', '--max-tokens', '3']

async function json(args: string[]) {
  const { code, stdout } = await runCli([...args, '--json'], env)
  return { code, value: JSON.parse(stdout) }
}

describe('receipts verify', { timeout: 300_000 }, () => {
  let receipt: ReceiptJson
  let path: string

  beforeAll(async () => {
    const asked = await json(ASK)
    expect(asked.value).toMatchObject({ verdict: 'accepted' })
    receipt = asked.value.receipt
    path = file('answer.json', asked.value)
  })

  it('says who signed, and is incomplete without knowing who should have', async () => {
    const { code, value } = await json(['receipts', 'verify', path])
    expect([code, value.verdict]).toEqual([11, 'incomplete'])
    const step = value.steps.find(({ name }: { name: string }) => name === 'receipt-signature')
    expect(step.detail).toContain(world.tee.signer.toLowerCase())
    expect((await json(['receipts', 'verify', path, '--accept', 'incomplete'])).code).toBe(0)
    expect((await json(['receipts', 'verify', path, '--signer', world.tee.signer])).code).toBe(0)
    const other = await json(['receipts', 'verify', path, '--signer', world.user.address])
    expect([other.code, other.value.failedStep]).toEqual([10, 'receipt-signature'])
  })

  it("is accepted with the provider's evidence, by nobody else's word", async () => {
    const evidence = join(world.dir, 'evidence.json')
    expect((await json(['provider', 'verify', broker.provider, '--save', evidence])).code).toBe(0)
    const nobody = ['--evidence', evidence, '--mine', '--rpc', 'http://127.0.0.1:1']
    const { code, value } = await json(['receipts', 'verify', path, ...nobody])
    expect([code, value.verdict, value.assurance]).toEqual([0, 'accepted', 'simulated'])
    const stranger = await json(['receipts', 'verify', path, '--evidence', evidence])
    expect([stranger.code, stranger.value.verdict]).toEqual([11, 'incomplete'])
    const forged = file('forged.json', { ...receipt, signature: `0x${'12'.repeat(64)}1b` })
    expect((await json(['receipts', 'verify', forged, ...nobody])).code).toBe(10)
  })

  it('compares the bytes of the exchange', async () => {
    const detail = JSON.parse(receipt.detail)
    const [request, response] = ['{"model":"steady"}', 'the answer']
    const changed = canonicalJson({
      ...detail,
      requestHash: sha256Text(request).slice(2),
      responseHash: sha256Text(response).slice(2),
      responseBytes: response.length,
    })
    const own = equivocate(world, { ...receipt, detail: changed }, { detail: sha256Text(changed) })
    const paths = {
      receipt: file('own.json', own),
      request: join(world.dir, 'request.bin'),
      response: join(world.dir, 'response.bin'),
    }
    writeFileSync(paths.request, request)
    writeFileSync(paths.response, response)
    const bytes = ['--request', paths.request, '--response', paths.response, '--signer', world.tee.signer]
    const { code, value } = await json(['receipts', 'verify', paths.receipt, ...bytes])
    expect([code, value.failedStep]).toEqual([0, null])
    writeFileSync(paths.response, `${response}!`)
    const other = await json(['receipts', 'verify', paths.receipt, ...bytes])
    expect([other.code, other.value.failedStep]).toEqual([10, 'receipt-response'])
  })

  it('is exit 30 and one line for what is no receipt', async () => {
    for (const bad of [
      null,
      [],
      7,
      {},
      { receipt: {} },
      { ...receipt, detail: 1 },
      { receipts: [{}] },
      { receipts: [] },
    ]) {
      const { code, stderr } = await runCli(['receipts', 'verify', file('bad.json', bad)], env)
      expect([code, stderr.trimEnd().split('\n').length]).toEqual([30, 1])
    }
  })
})
