import type { Contract, Provider } from 'ethers'
import type { Address } from '../../base/hex.ts'
import type { Logger } from '../../base/log.ts'
import type { Account } from '../../chain/inference.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { unknownPayments } from './unknownPayments.ts'

export interface AdoptOptions {
  readonly ledger: Ledger
  readonly rpc: Provider
  readonly contract: Contract
  readonly log: Logger
}

/** `known`: nothing to adopt. `unclear`: the chain is ahead, and its logs do not say by what (yet). */
export type Adoption = 'known' | 'adopted' | 'unclear'

/**
 * Where the chain has taken a nonce of a user that this ledger never gave out, its payments count as paid before
 * anything more is signed: an old copy of a ledger would ask the payer for the same money twice.
 */
export async function adoptUnknown(
  account: Pick<Account, 'user' | 'provider' | 'nonce'>,
  options: AdoptOptions,
): Promise<Adoption> {
  const { ledger, rpc, contract, log } = options
  const { user, provider, nonce } = account
  const afterNonce = await ledger.settlements.lastNonce(user)
  if (nonce <= afterNonce) return 'known'
  const found = await unknownPayments(rpc, contract, { user, provider, afterNonce, fromBlock: 0 })
  if (found?.nonce !== nonce) {
    log.warn('chain_ahead_unclear', { user, nonce, known: afterNonce, found: found?.nonce ?? null })
    return 'unclear'
  }
  await ledger.settlements.adopt(user, found)
  log.error('chain_ahead_of_ledger', { user, nonce, known: afterNonce, paid: found.paid })
  return 'adopted'
}

/**
 * An account of which batches took more than this ledger remembers to have charged, as after it was closed: the
 * counter goes on from there, since a receipt that says less than was settled would contradict it.
 */
export async function adoptForgotten(ledger: Ledger, user: Address, settled: bigint): Promise<void> {
  if (settled <= ledger.totals(user).charged) return
  await ledger.refresh(user)
  if (settled > ledger.totals(user).charged) await ledger.batches.adopt(user, settled)
}
