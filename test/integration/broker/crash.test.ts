import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { findAccount } from '../../../src/chain/inference.ts'
import { type ReceiptDetail, receiptFromJson, type SignedReceipt } from '../../../src/protocol/receipt.ts'
import { devnetHome } from '../../support/devnetHome.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { PRICES, startWorld, tokenOf, type World } from '../../support/world.ts'

/** Tokens a second of the stand-in engine, so that a stream can be cut anywhere. */
const DELAY_MS = 5
const ROUNDS = 6

let world: World
let scripted: ScriptedEngine
let child: ChildProcess
let url: string
let token: string
let home: Record<string, string>
/** Tokens that the client has of the stream that has most. */
let longest = 0

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  scripted.delayMs = DELAY_MS
  home = devnetHome(world)
  await startProvider()
  await world.acknowledge()
  await world.fund(world.user)
  token = await tokenOf(world.user, world.provider.address)
})

afterAll(async () => {
  child?.kill('SIGKILL')
  await world?.stop()
  await scripted?.stop()
})

interface Seen {
  readonly id: string
  readonly bytes: Buffer
  /** The end came: the client has the whole answer. */
  readonly whole: boolean
}

describe('kill -9 of the broker in the middle of streams', () => {
  it('bills every whole answer exactly once, and one cut short at most for what was handed over', {
    timeout: 180_000,
  }, async () => {
    const seen: Seen[] = []
    for (let round = 0; round < ROUNDS; round++) {
      longest = 0
      const streams = [4, 40, 80, 120, 200].map((tokens) => stream(tokens))
      // At first wherever it is by then, later each time after more of the longest stream.
      if (round === 0) await sleep(120)
      else await expect.poll(() => longest, { interval: 5 }).toBeGreaterThan((150 * round) / ROUNDS)
      child.kill('SIGKILL')
      seen.push(...(await Promise.all(streams)).filter((answer) => answer !== null))
      await startProvider()
    }
    expect(seen.some((answer) => answer.whole)).toBe(true)
    expect(seen.some((answer) => !answer.whole)).toBe(true)

    const receipts = await allReceipts()
    expect(new Set(receipts.map((signed) => detailOf(signed).id)).size).toBe(receipts.length)
    for (const answer of seen) check(answer, receipts)
    const known = new Set(seen.map((answer) => answer.id))
    for (const signed of receipts) {
      // An answer that the client never saw a byte of may not cost anything.
      expect(known.has(detailOf(signed).id)).toBe(true)
    }

    const fees = receipts.reduce((sum, signed) => sum + signed.receipt.fee, 0n)
    expect(receipts.at(-1)!.receipt.cumulative).toBe(fees)
    child.kill('SIGTERM')
    await new Promise((resolve) => child.once('exit', resolve))
    const account = await findAccount(
      world.inference,
      world.user.address as Address,
      world.provider.address as Address,
    )
    expect(account!.balance).toBe(5n * 10n ** 18n - fees)
  })
})

/** What a client holds in its hands against what it was billed for. */
function check({ id, bytes, whole }: Seen, receipts: readonly SignedReceipt[]): void {
  const mine = receipts.filter((signed) => detailOf(signed).id === id)
  if (whole) expect(mine.length, 'a whole answer is billed once').toBe(1)
  expect(mine.length).toBeLessThanOrEqual(1)
  const signed = mine[0]
  if (!signed) return
  const detail = detailOf(signed)
  if (whole) {
    expect(detail).toMatchObject({
      status: 'complete',
      responseHash: sha256(bytes),
      responseBytes: bytes.length,
    })
    return
  }
  expect(detail.counts.output).toBeLessThanOrEqual(handedOver(detail, bytes))
  expect(signed.receipt.fee).toBe(
    BigInt(detail.counts.input ?? 0) * PRICES.input + BigInt(detail.counts.output ?? 0) * PRICES.output,
  )
}

/** Shorter than any frame of the stand-in engine. */
const MIN_FRAME_BYTES = 50

/** Most tokens in the bytes that the receipt names. What it names beyond what arrived lay in the socket. */
function handedOver(detail: ReceiptDetail, bytes: Buffer): number {
  if (detail.responseBytes > bytes.length) return Math.floor(detail.responseBytes / MIN_FRAME_BYTES)
  const named = bytes.subarray(0, detail.responseBytes)
  expect(detail.responseHash).toBe(sha256(named))
  return tokensIn(named)
}

const tokensIn = (bytes: Buffer): number => bytes.toString().split('"delta"').length - 1

async function stream(tokens: number): Promise<Seen | null> {
  const chunks: Buffer[] = []
  let id = ''
  try {
    const response = await fetch(`${url}/v1/proxy/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ model: 'steady', messages: [], max_tokens: tokens, stream: true }),
    })
    id = response.headers.get('zg-res-key') ?? ''
    let seen = 0
    for await (const chunk of response.body!) {
      chunks.push(Buffer.from(chunk))
      seen += tokensIn(chunks.at(-1)!)
      longest = Math.max(longest, seen)
    }
    return { id, bytes: Buffer.concat(chunks), whole: true }
  } catch {
    const bytes = Buffer.concat(chunks)
    return id ? { id, bytes, whole: bytes.toString().endsWith('data: [DONE]\n\n') } : null
  }
}

async function allReceipts(): Promise<SignedReceipt[]> {
  const response = await fetch(`${url}/v1/user/${world.user.address}/receipts`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return (await response.json()).receipts.map(receiptFromJson)
}

const detailOf = (signed: SignedReceipt): ReceiptDetail => JSON.parse(signed.detail)

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** The real command, in a process of its own. */
async function startProvider(): Promise<void> {
  const args = ['provider', 'serve', '--engine', 'url', '--target', scripted.target, '--network', 'devnet']
  const options = [
    '--port',
    '0',
    '--data-dir',
    join(world.dir, 'broker'),
    '--settle-interval',
    '3600',
    '--settle-min',
    '0',
  ]
  const prices = ['--price-input', '0.001', '--price-output', '0.004']
  child = spawn(process.execPath, ['bin/0g-compute.js', ...args, ...options, ...prices], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, ...home },
  })
  const message = await new Promise<{ type: string; url: string; error?: unknown }>((resolve, reject) => {
    child.once('message', (value) => resolve(value as { type: string; url: string }))
    child.once('exit', (code) => reject(new Error(`provider serve ended with ${code}`)))
  })
  expect(message.type, JSON.stringify(message.error)).toBe('ready')
  child.removeAllListeners('exit')
  url = message.url
}
