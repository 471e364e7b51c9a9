import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import type { ReceiptDetail, SignedReceipt } from '../../../src/protocol/receipt.ts'
import type { SqliteLedger } from '../../../src/provider/ledger/sqlite/sqliteLedger.ts'
import { freshFolder, openLedger } from '../../support/ledger.ts'

const ALICE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const BOB = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc'

const folder = freshFolder()
let ledger: SqliteLedger

afterAll(async () => {
  await ledger.close()
  rmSync(folder, { recursive: true })
})

describe('kill -9', () => {
  it('loses no charge that was answered, makes none twice, and frees the lock', {
    timeout: 240_000,
  }, async () => {
    const answered = new Map<string, string>()
    // Alone, a client's charges are written in place once the disk has shown that it is quick.
    for (const [clients, ms] of [
      [32, 150],
      [1, 250],
      [32, 350],
      [1, 450],
    ] as const) {
      for (const line of await chargeUntilKilled(clients, ms)) {
        const [id, seq, cumulative] = line.split(' ')
        expect(answered.has(id!)).toBe(false)
        answered.set(id!, `${seq} ${cumulative}`)
      }
    }
    ledger = await openLedger(folder)
    await ledger.recover()
    expect(answered.size).toBeGreaterThan(50)
    for (const [id, expected] of answered) {
      const { receipt } = (await ledger.receipt(id))!
      expect(`${receipt.seq} ${receipt.cumulative}`).toBe(expected)
    }
    await expectSoundBooks()
  })

  async function expectSoundBooks(): Promise<void> {
    const all: SignedReceipt[] = []
    for (const user of [ALICE, BOB] as const) {
      const receipts = await ledger.receipts(user, 0, 1_000_000)
      let cumulative = 0n
      for (const signed of receipts) {
        cumulative += signed.receipt.fee
        expect(signed.receipt.cumulative).toBe(cumulative)
      }
      expect(ledger.totals(user).charged).toBe(cumulative)
      all.push(...receipts)
    }
    const seqs = all.map(({ receipt }) => receipt.seq).sort((a, b) => a - b)
    expect(seqs).toEqual(Array.from(seqs, (_, index) => index + 1))
    const ids = all.map(({ detail }) => (JSON.parse(detail) as ReceiptDetail).id)
    expect(new Set(ids).size).toBe(ids.length)
  }

  /** Lets a process charge for a while, kills it, and tells which charges it had been answered. */
  async function chargeUntilKilled(clients: number, ms: number): Promise<string[]> {
    const script = join(import.meta.dirname, 'chargeUntilKilled.ts')
    const child = spawn(process.execPath, [script, folder, String(clients), ALICE, BOB], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    const started = new Promise((resolve) => child.stdout.once('data', resolve))
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
    await started
    await expect(openLedger(folder)).rejects.toMatchObject({ code: 'ledger_locked' })
    // However slow the disk is: some charges have been answered.
    await expect.poll(() => output.split('\n').length).toBeGreaterThan(20)
    await sleep(ms)
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
    return output.split('\n').slice(0, -1)
  }
})
