import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'
import { receiptFromJson, type SignedReceipt } from '../../src/protocol/receipt.ts'
import type { LedgerOwner } from '../support/ledger.ts'

export const USERS = [
  '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
  '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc',
] as const
export const CLOCKS_APART_MS = 5000

interface Work {
  readonly count: number
  readonly clockMs: number
  readonly firstSeq?: number
  /** Killed after so many receipts. */
  readonly killAfter?: number
  /** Default that of unit tests. */
  readonly owner?: LedgerOwner
}

/** A replica in a process of its own; tells every receipt that it answered. */
export function replica(
  database: string,
  { count, clockMs, firstSeq = 1, killAfter, owner }: Work,
): Promise<SignedReceipt[]> {
  const script = join(import.meta.dirname, 'chargeUntilKilled.ts')
  const args = [script, database, `${count}`, `${clockMs}`, `${firstSeq}`, ...USERS]
  const env = { ...process.env, ...(owner && { LEDGER_OWNER: JSON.stringify(owner) }) }
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    if (killAfter !== undefined && output.split('\n').length > killAfter) child.kill('SIGKILL')
  })
  return new Promise((resolve) => {
    child.once('close', () => {
      const lines = output.split('\n').slice(0, -1)
      resolve(lines.filter((line) => line !== 'ready').map((line) => receiptFromJson(JSON.parse(line))))
    })
  })
}

/** No number stands on two statements; every user's totals rise by exactly the fee. */
export function expectNoConflict(receipts: readonly SignedReceipt[], from = new Map<string, bigint>()): void {
  const bySeq = new Map<number, string>()
  for (const { receipt, signature } of receipts) {
    expect([undefined, signature]).toContain(bySeq.get(receipt.seq))
    bySeq.set(receipt.seq, signature)
  }
  for (const user of USERS) {
    const own = receipts.filter(({ receipt }) => receipt.user === user)
    const inOrder = own.map(({ receipt }) => receipt).sort((a, b) => a.seq - b.seq)
    let cumulative = from.get(user) ?? 0n
    for (const receipt of inOrder) {
      cumulative += receipt.fee
      expect(receipt.cumulative).toBe(cumulative)
    }
  }
}
