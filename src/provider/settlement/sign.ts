import { larger } from '../../base/bigint.ts'
import { type Address, sameAddress } from '../../base/hex.ts'
import { type Account, findAccount, type TeeSettlementEntry } from '../../chain/inference.ts'
import { settlementDigest, signSettlement, type TeeSettlement } from '../../protocol/settlement.ts'
import { recoverDigest } from '../../protocol/signature.ts'
import type { Due, NewSettlement, StoredSettlement } from '../ledger/settlements.ts'
import { adoptUnknown } from './adopt.ts'
import type { SettlerOptions } from './options.ts'
import { accountFault } from './preflight.ts'
import type { ReportBuilder } from './report.ts'

export interface SigningOptions {
  readonly settler: SettlerOptions
  readonly provider: Address
  readonly contract: Address
  readonly fromBlock: number
  /** Neuron; who owes, or can pay, less waits. */
  readonly minimum: bigint
  readonly report: ReportBuilder
}

type Accounts = ReadonlyMap<Address, Account | null>

/** Accounts that are read at the same time. */
const READS_AT_ONCE = 50

/** Signs an entry for each user who owes and whose account can pay; the others wait, and hold nobody up. */
export async function signDue(options: SigningOptions): Promise<NewSettlement[]> {
  const { ledger } = options.settler
  const due = await ledger.settlements.due(options.minimum)
  const accounts = await readAccounts(due, options)
  const { adopted, unclear } = await adoptAhead(accounts, options)
  for (const user of unclear) options.report.addWaiting(user, 'chain_ahead')
  const now = adopted ? await ledger.settlements.due(options.minimum) : due
  const signed: NewSettlement[] = []
  for (const item of now) {
    const settlement = unclear.has(item.user) ? null : await signOne(item, accounts, options)
    if (settlement) signed.push(settlement)
  }
  return signed
}

/** Signs the same entry again where the enclave's key changed since; everything but the signature stays. */
export async function renewSignatures(
  open: readonly StoredSettlement[],
  { settler, contract }: Pick<SigningOptions, 'settler' | 'contract'>,
): Promise<void> {
  const { chainId, tee, ledger, log } = settler
  for (const { entry } of open) {
    const signer = recoverDigest(settlementDigest(chainId, contract, entry), entry.signature)
    if (signer && sameAddress(signer, tee.signer)) continue
    await ledger.settlements.replaceSignature(entry, signSettlement(tee.signerKey, chainId, contract, entry))
    log.warn('settlement_signed_again', { user: entry.user, nonce: entry.nonce, signer: tee.signer })
  }
}

async function readAccounts(due: readonly Due[], { settler, provider }: SigningOptions): Promise<Accounts> {
  const accounts = new Map<Address, Account | null>()
  for (let start = 0; start < due.length; start += READS_AT_ONCE) {
    const page = due.slice(start, start + READS_AT_ONCE)
    const read = await Promise.all(page.map(({ user }) => findAccount(settler.contract, user, provider)))
    for (const [index, { user }] of page.entries()) accounts.set(user, read[index] ?? null)
  }
  return accounts
}

/** Nothing is signed for a user whose account the chain moved by what this ledger does not know. */
async function adoptAhead(
  accounts: Accounts,
  { settler }: SigningOptions,
): Promise<{ readonly adopted: boolean; readonly unclear: ReadonlySet<Address> }> {
  const { ledger, contract, log, operator } = settler
  const unclear = new Set<Address>()
  let adopted = false
  for (const [user, account] of accounts) {
    if (!account) continue
    const adoption = await adoptUnknown(account, { ledger, contract, log, rpc: operator.provider! })
    if (adoption === 'adopted') adopted = true
    if (adoption === 'unclear') unclear.add(user)
  }
  return { adopted, unclear }
}

async function signOne(due: Due, accounts: Accounts, options: SigningOptions): Promise<NewSettlement | null> {
  const { fromBlock, minimum, report } = options
  const account = accounts.get(due.user) ?? null
  const fault = accountFault(account)
  if (fault || !account) {
    report.addWaiting(due.user, fault ?? 'account_missing')
    return null
  }
  if (account.balance < minimum) {
    report.addWaiting(due.user, 'account_empty')
    return null
  }
  return { entry: await entryOf(due, account, options), throughSeq: due.throughSeq, fromBlock }
}

async function entryOf(
  { user, amount, requestsHash }: Due,
  account: Account,
  { settler, provider, contract }: SigningOptions,
): Promise<TeeSettlementEntry> {
  const known = await settler.ledger.settlements.lastNonce(user)
  const nonce = larger(account.nonce, known) + 1n
  const entry: TeeSettlement = { user, provider, totalFee: amount, requestsHash, nonce }
  return { ...entry, signature: signSettlement(settler.tee.signerKey, settler.chainId, contract, entry) }
}
