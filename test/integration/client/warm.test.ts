import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Contract, getBytes, type HDNodeWallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address, Hex } from '../../../src/base/hex.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'
import { openBuyer } from '../../../src/client/openBuyer.ts'
import { memoryReceiptStore } from '../../../src/client/receipts/memoryReceiptStore.ts'
import type { Runtime } from '../../../src/client/runtime.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { type FaultyRpc, startFaultyRpc } from '../../support/faultyRpc.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { PRICES, startWorld, type World } from '../../support/world.ts'
import { approval, clientOf, firstSteps } from './clientOf.ts'

const STEADY = { model: 'steady', messages: [{ role: 'user', content: 'Hi' }], maxTokens: 4 } as const

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
let rpc: FaultyRpc
let calls: string[] = []
const homes: string[] = []

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  broker = await world.startBroker(engine)
  rpc = await startFaultyRpc(world.anvil.url)
  rpc.decide = (method) => {
    calls.push(method)
    return 'none'
  }
})

afterAll(async () => {
  await rpc?.stop()
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
  for (const home of homes) rmSync(home, { recursive: true })
})

/** A user, and answers each of which is bought as a process that starts for it would. */
function userOf(index: number) {
  const wallet = world.anvil.wallets[index] as HDNodeWallet
  const stateDir = mkdtempSync(join(tmpdir(), 'zg-warm-'))
  homes.push(stateDir)
  const network = { ...world.network, rpcUrls: [rpc.url] }
  const account = {
    address: wallet.address as Address,
    signer: (provider: Parameters<HDNodeWallet['connect']>[0]) => wallet.connect(provider),
    sign: async (bytes: Hex) => (await wallet.signMessage(getBytes(bytes))) as Hex,
  }
  const infer = async (change: object = {}) => {
    calls = []
    const { sent, hooks } = approval()
    const buyer = openBuyer({ network, account, stateDir })
    try {
      const chat = buyer.chat({ ...STEADY, ...change }, hooks)
      for (;;) {
        const { done, value } = await chat.next()
        if (done) return { answer: value, sent, calls }
      }
    } finally {
      await buyer.close()
    }
  }
  return { wallet, stateDir, infer }
}

describe('a process that starts for one answer', () => {
  it('asks the chain nothing that an earlier one knows, and keeps no key and no text', async () => {
    const { wallet, stateDir, infer } = userOf(3)
    const first = await infer()
    expect(first.sent).toEqual(firstSteps(world.contracts))
    expect(first.calls).toContain('eth_chainId')
    await infer() // what lies there since the transfer is read once
    const third = await infer()
    expect(third).toMatchObject({ answer: { verdict: { outcome: 'accepted' }, sealed: true }, sent: [] })
    expect(third.calls).toEqual([])
    const kept = readdirSync(join(stateDir, 'cache'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      .join()
    expect(kept).toContain(broker.provider)
    for (const secret of [wallet.privateKey.slice(2), 'app-sk-', 'Hi', 't0 t1'])
      expect(kept).not.toContain(secret)
  })

  it('finds out that its tokens were revoked since', async () => {
    const { wallet, infer } = userOf(4)
    await infer()
    await infer()
    const serving = world.inference.connect(wallet) as Contract
    await (await serving.getFunction('revokeAllTokens')(broker.provider)).wait()
    expect((await infer()).answer.verdict.outcome).toBe('accepted')
  })

  it('finds out that the money is gone since, and transfers once what is missing', async () => {
    const { wallet, infer } = userOf(5)
    await infer()
    await infer()
    const ledger = world.ledger.connect(wallet) as Contract
    await (await ledger.getFunction('retrieveFund')([broker.provider], 'inference-v1.0')).wait()
    // The broker reads the account a moment later.
    await expect.poll(async () => (await infer()).sent.length, { timeout: 60_000 }).toBe(1)
    expect(await infer()).toMatchObject({ answer: { verdict: { outcome: 'accepted' } }, sent: [] })
  }, 120_000)

  it('finds out that a provider has an enclave since', async () => {
    const { stateDir, infer } = userOf(8)
    await infer()
    const cache = join(stateDir, 'cache')
    const [file] = readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('services.json'),
    )
    const path = join(cache, file!)
    const signer = world.tee.signer
    const kept = readFileSync(path, 'utf8')
    expect(kept).toContain(signer)
    writeFileSync(path, kept.replaceAll(signer, `0x${'0'.repeat(40)}`))
    expect((await infer()).answer.verdict.outcome).toBe('accepted')
  })

  it('never sends what may exceed the budget at the price of now', async () => {
    const { infer } = userOf(6)
    await infer()
    await infer()
    const dear = { input: PRICES.input * 2n, output: PRICES.output * 2n }
    await broker.control.changePrices(dear)
    try {
      const before = scripted.requests.length
      // Enough at the price that was read, and not at that of now.
      const maxCost = 300n * PRICES.input + 4n * PRICES.output
      await expect(infer({ maxCost })).rejects.toMatchObject({ code: 'max_cost_exceeded' })
      expect(scripted.requests).toHaveLength(before)
      const { answer } = await infer()
      expect(answer.receipt!.receipt.fee % dear.input).toBe(0n)
    } finally {
      await broker.control.changePrices(PRICES)
    }
  })

  it('looks at the evidence of a broker that was started anew since, with other models', async () => {
    const { infer } = userOf(7)
    const first = await infer()
    await infer()
    const { runtime, hide } = hidingEvidence()
    const running = await clientOf(
      world,
      world.anvil.wallets[8] as HDNodeWallet,
      memoryReceiptStore(),
      runtime,
    )
    expect((await running.infer(STEADY, approval().hooks)).verdict.outcome).toBe('accepted')
    const { port } = broker
    await broker.stop({ graceMs: 0 })
    const fewer = await attachUrlEngine({
      target: scripted.target,
      models: ['steady'],
      logger: silentLogger,
    })
    broker = await world.startBroker(fewer, { listen: { host: '127.0.0.1', port } })
    const evidenceOf = ({ answer }: typeof first) => JSON.parse(answer.receipt!.detail).evidence as string
    const second = await infer()
    expect(second.answer.verdict.outcome).toBe('accepted')
    expect(evidenceOf(second)).not.toBe(evidenceOf(first))
    // Who cannot have it does not call the answer false.
    hide()
    const { verdict } = await running.infer(STEADY, approval().hooks)
    expect(verdict.outcome).toBe('incomplete')
    expect(verdict.steps).toContainEqual(expect.objectContaining({ name: 'evidence', result: 'skipped' }))
    await running.close()
    await fewer.stop()
  })
})

/** Surroundings in which a broker's evidence cannot be had from some moment on. */
function hidingEvidence(): { readonly runtime: Runtime; hide(): void } {
  const runtime = nodeRuntime()
  let isHidden = false
  return {
    hide: () => {
      isHidden = true
    },
    runtime: {
      ...runtime,
      request: (request) =>
        runtime.request(
          isHidden && request.url.includes('/v1/quote?')
            ? { ...request, url: 'http://127.0.0.1:1/' }
            : request,
        ),
    },
  }
}
