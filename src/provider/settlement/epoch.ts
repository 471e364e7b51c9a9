import type { Contract, Provider } from 'ethers'
import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { Logger } from '../../base/log.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { adoptUnknown } from './adopt.ts'

export interface EpochOptions {
  readonly ledger: Ledger
  readonly rpc: Provider
  /** `InferenceServing`. */
  readonly contract: Contract
  readonly provider: Address
  /** The operator knows that the ledger is gone or old, and wants to go on from what the chain says. */
  readonly newEpoch: boolean
  readonly log: Logger
}

/** What the contract lists at once. */
const PAGE = 50
/** More receipts than this no provider issues in a millisecond. */
const SEQS_PER_MS = 64
/** A clock that is further behind the chain's time does not count. Chains on demand run ahead by a little. */
const CLOCK_BEHIND_MS = 60 * 60 * 1000

/**
 * The first receipt number of a process, where the contract has no epochs: above every number that any earlier one
 * can have given out, also one whose ledger is lost or was replaced by an old copy, so that one number never stands
 * on two receipts.
 * @param now ms
 */
export async function firstSeqNow(rpc: Provider, now = Date.now()): Promise<number> {
  const block = await rpc.getBlock('latest')
  const chainNow = (block?.timestamp ?? 0) * 1000
  return (chainNow > now + CLOCK_BEHIND_MS ? chainNow : now) * SEQS_PER_MS
}

/**
 * Where the contract has no epochs, to be called before anything is charged: refuses a ledger that is missing, old or
 * behind the chain, or, when a new epoch is wanted, brings its counters to where the chain is. There a new epoch is
 * the same signer, going on with counters at or above the chain's. Receipts that were lost with the ledger and not
 * settled are forgone; a payer who kept one sees that the total of a later receipt is lower than its own.
 * @throws AppError `ledger_behind_chain`
 */
export async function assertCurrentEpoch(options: EpochOptions): Promise<void> {
  const ahead = await accountsAhead(options)
  if (ahead.length === 0) return
  if (!options.newEpoch) throw behindChain(ahead.length)
  for (const account of ahead) {
    if ((await adoptUnknown(account, options)) === 'unclear') throw logsMissing(account.user)
  }
  options.log.warn('epoch_opened', { users: ahead.length })
}

interface ChainAccount {
  readonly user: Address
  readonly nonce: bigint
}

/** Accounts of which the chain has taken a nonce that the ledger never gave out. */
async function accountsAhead({
  ledger,
  contract,
  provider,
}: EpochOptions): Promise<(ChainAccount & { provider: Address })[]> {
  const ahead: (ChainAccount & { provider: Address })[] = []
  for (const { user, nonce } of await listChainAccounts(contract, provider)) {
    if (nonce > 0n && nonce > (await ledger.settlements.lastNonce(user)))
      ahead.push({ user, provider, nonce })
  }
  return ahead
}

/** Every open sub-account of a provider. */
export async function listChainAccounts(contract: Contract, provider: Address): Promise<ChainAccount[]> {
  const accounts: ChainAccount[] = []
  for (let offset = 0; ; offset += PAGE) {
    const [page, total] = await contract
      .getFunction('getAccountsByProvider')
      .staticCall(provider, offset, PAGE)
    for (const { user, nonce } of page as readonly ChainAccount[]) accounts.push({ user, nonce })
    if (offset + PAGE >= Number(total)) return accounts
  }
}

const behindChain = (users: number): AppError =>
  new AppError({
    code: 'ledger_behind_chain',
    message: `The chain has taken settlements of ${users} ${users === 1 ? 'user' : 'users'} that this ledger does not know`,
    hint: 'The ledger is missing, an old copy, or was used by another broker. Put the newest one back; if there is none, open a new epoch: what was settled counts as paid, and charges that were lost are forgone',
    next: '0g-compute provider serve --new-epoch',
    status: 503,
    details: { users },
  })

export const logsMissing = (user: Address): AppError =>
  new AppError({
    code: 'ledger_behind_chain',
    message: `The chain has taken settlements of ${user} that its logs do not show`,
    hint: 'This RPC does not keep old logs. Use an archive node for the first start of a new epoch',
    next: '0g-compute network show',
    retryable: true,
    status: 503,
  })
