import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Address } from '../../src/base/hex.ts'
import { addressOf } from '../../src/protocol/signature.ts'
import type { Delivered, Exchange, Ledger, UserTotals } from '../../src/provider/ledger/ledger.ts'
import { openSqliteLedger, type SqliteLedger } from '../../src/provider/ledger/sqlite/sqliteLedger.ts'
import { ledgerKeyOf } from '../../src/provider/tee/ledgerKey.ts'

/** A key for tests only. */
export const TEST_KEY = createHash('sha256').update('test enclave').digest()
export const TEST_SIGNER = addressOf(TEST_KEY)

/** Whose ledger it is; the contract and provider of unit tests when not given. */
export interface LedgerOwner {
  readonly chainId: number
  readonly contract: Address
  readonly provider: Address
}

export const TEST_OWNER: LedgerOwner = {
  chainId: 31337,
  contract: '0x47340d900bdFec2BD393c626E12ea0656F938d84',
  provider: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
}

/** A new folder for one test. */
export const freshFolder = (): string => mkdtempSync(join(tmpdir(), '0g-test-'))

/** What every ledger of these tests is opened with. */
export const ledgerKeys = (owner: LedgerOwner = TEST_OWNER) => ({
  ...owner,
  rowKey: ledgerKeyOf({ signerKey: TEST_KEY }),
  signerKey: TEST_KEY,
})

/** Opens the ledger in a folder with the test key. */
export const openLedger = (folder: string, owner: LedgerOwner = TEST_OWNER): Promise<SqliteLedger> =>
  openSqliteLedger({ ...ledgerKeys(owner), path: join(folder, 'ledger.sqlite') })

/** Where one test's ledger lives, on whatever database. */
export interface LedgerHome {
  open(): Promise<Ledger>
  remove(): Promise<void>
}

export async function sqliteHome(): Promise<LedgerHome> {
  const folder = freshFolder()
  return { open: () => openLedger(folder), remove: async () => rmSync(folder, { recursive: true }) }
}

/** A user's totals as of now, whatever this process knew of the user before. */
export async function totalsOf(ledger: Ledger, user: Address): Promise<UserTotals> {
  await ledger.refresh(user)
  return ledger.totals(user)
}

/** An exchange of this user: 2 neuron per prompt token, 3 per generated one, unless prices are given. */
export function exchangeOf(user: Address, changes: Partial<Exchange> = {}): Exchange {
  return {
    id: randomBytes(16).toString('hex'),
    user,
    endpoint: '/v1/chat/completions',
    model: 'demo',
    modelDigest: null,
    requestHash: randomBytes(32).toString('hex'),
    prices: { input: 2n, output: 3n },
    multipliers: {},
    evidence: 'ee'.repeat(32),
    ...changes,
  }
}

/** An answer of so many generated tokens after ten prompt tokens. */
export const deliveredOf = (output: number, input = 10): Delivered => ({
  responseHash: randomBytes(32).toString('hex'),
  responseBytes: output * 4,
  counts: { input, output },
})
