import { mkdir, open, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Outcome } from '../../attestation/verdict.ts'
import type { Address } from '../../base/hex.ts'
import { type ReceiptJson, receiptFromJson, receiptToJson } from '../../protocol/receipt.ts'
import { Mutex } from '../mutex.ts'
import { ReceiptIndex } from './receiptIndex.ts'
import { accountOf, type ReceiptAccount, type ReceiptStore, type StoredReceipt } from './receiptStore.ts'

/** A line of a file. `v` is the schema version. */
interface Line {
  readonly v: 1
  readonly savedAt: number
  readonly source: StoredReceipt['source']
  readonly outcome: Outcome | null
  readonly receipt: ReceiptJson
}

/** What a file held when it was last read, and how much of it that was. */
interface LoadedFile {
  readonly index: ReceiptIndex
  size: number
}

/**
 * Receipts as JSON lines, one file an account, only ever appended to and readable by their owner alone:
 * `receipts/<chain>/<contract>/<user>/<provider>.jsonl`. Several processes may append to one file. A line that a
 * crash cut short is passed over.
 */
export function fileReceiptStore(stateDir: string): ReceiptStore {
  const root = join(stateDir, 'receipts')
  const loaded = new Map<string, LoadedFile>()
  const writing = new Mutex()

  const load = async (account: ReceiptAccount): Promise<LoadedFile> => {
    const path = pathOf(root, account)
    const text = await readFile(path, 'utf8').catch(absent)
    const known = loaded.get(path)
    if (known && known.size === text.length) return known
    const file: LoadedFile = { index: new ReceiptIndex(), size: text.length }
    for (const line of text.split('\n')) {
      const stored = readLine(line)
      if (stored) file.index.add(stored)
    }
    loaded.set(path, file)
    return file
  }

  const add = async (stored: StoredReceipt): Promise<void> => {
    const account = accountOf(stored.signed)
    const file = await load(account)
    if (!file.index.add(stored)) return
    file.size += await append(pathOf(root, account), writeLine(stored))
  }

  return {
    known: async (account, seq) => (await load(account)).index.known(seq),
    add: (stored) => writing.run(() => add(stored)),
    list: async (account) => (await load(account)).index.all,
    accounts: (owner) => listAccounts(root, owner),
  }
}

/** @returns what was written, in characters (all of them ASCII but for what a model's name holds) */
async function append(path: string, line: string): Promise<number> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'a+', 0o600)
  try {
    const { size } = await file.stat()
    const last = Buffer.alloc(1)
    if (size > 0) await file.read(last, 0, 1, size - 1)
    // After a crash the last line may have no end; what follows must not join it.
    const text = size > 0 && last[0] !== 0x0a ? `\n${line}\n` : `${line}\n`
    await file.appendFile(text)
    await file.datasync()
    return text.length
  } finally {
    await file.close()
  }
}

async function listAccounts(
  root: string,
  { chainId, contract, user }: Omit<ReceiptAccount, 'provider'>,
): Promise<ReceiptAccount[]> {
  const dir = dirname(pathOf(root, { chainId, contract, user, provider: contract }))
  const files = await readdir(dir).catch(() => [])
  return files
    .filter((file) => /^0x[0-9a-f]{40}\.jsonl$/.test(file))
    .map((file) => ({ chainId, contract, user, provider: file.slice(0, 42) as Address }))
}

const pathOf = (root: string, { chainId, contract, user, provider }: ReceiptAccount): string =>
  join(root, String(chainId), contract.toLowerCase(), user.toLowerCase(), `${provider.toLowerCase()}.jsonl`)

function writeLine({ signed, source, outcome, savedAt }: StoredReceipt): string {
  const line: Line = { v: 1, savedAt, source, outcome, receipt: receiptToJson(signed) }
  return JSON.stringify(line)
}

function readLine(text: string): StoredReceipt | null {
  if (!text) return null
  try {
    const { v, receipt, source, outcome, savedAt } = JSON.parse(text) as Line
    return v === 1 ? { signed: receiptFromJson(receipt), source, outcome, savedAt } : null
  } catch {
    return null
  }
}

function absent(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return ''
  throw error
}
