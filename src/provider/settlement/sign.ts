import { type Address, sameAddress } from '../../base/hex.ts'
import { type Account, findAccount, type TeeSettlementEntry } from '../../chain/inference.ts'
import { settlementDigest, signSettlement, type TeeSettlement } from '../../protocol/settlement.ts'
import { recoverDigest } from '../../protocol/signature.ts'
import type { Due, NewSettlement, StoredSettlement } from '../ledger/ledger.ts'
import type { SettlerOptions } from './options.ts'
import { accountFault } from './preflight.ts'
import type { ReportBuilder } from './report.ts'

export interface SigningOptions {
  readonly settler: SettlerOptions
  readonly provider: Address
  readonly contract: Address
  readonly fromBlock: number
  /** Neuron; an account that can pay less waits. */
  readonly minimum: bigint
  readonly report: ReportBuilder
}

/** Accounts that are read at the same time. */
const READS_AT_ONCE = 50

/** Signs an entry for each user whose account can pay; the others wait, and hold nobody up. */
export async function signDue(due: readonly Due[], options: SigningOptions): Promise<NewSettlement[]> {
  const signed: NewSettlement[] = []
  for (let start = 0; start < due.length; start += READS_AT_ONCE) {
    const page = due.slice(start, start + READS_AT_ONCE)
    const settlements = await Promise.all(page.map((item) => signOne(item, options)))
    signed.push(...settlements.filter((settlement) => settlement !== null))
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
    await ledger.replaceSignature(entry, signSettlement(tee.signerKey, chainId, contract, entry))
    log.warn('settlement_signed_again', { user: entry.user, nonce: entry.nonce, signer: tee.signer })
  }
}

async function signOne(due: Due, options: SigningOptions): Promise<NewSettlement | null> {
  const { settler, provider, fromBlock, minimum, report } = options
  const account = await findAccount(settler.contract, due.user, provider)
  const fault = accountFault(account)
  if (fault || !account) {
    report.addWaiting(due.user, fault ?? 'account_missing')
    return null
  }
  if (account.balance < minimum) {
    report.addWaiting(due.user, 'account_empty')
    return null
  }
  return { entry: entryOf(due, account, options), throughSeq: due.throughSeq, fromBlock }
}

function entryOf(
  { user, amount, requestsHash }: Due,
  account: Account,
  { settler, provider, contract }: SigningOptions,
): TeeSettlementEntry {
  const used = [account.nonce, settler.ledger.lastNonce(user)]
  const nonce = used.reduce((a, b) => (b > a ? b : a), 0n) + 1n
  const entry: TeeSettlement = { user, provider, totalFee: amount, requestsHash, nonce }
  return { ...entry, signature: signSettlement(settler.tee.signerKey, settler.chainId, contract, entry) }
}
