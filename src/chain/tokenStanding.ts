import type { Contract, EventLog } from 'ethers'
import type { Address } from '../base/hex.ts'
import type { Account } from './account.ts'
import { findAccount } from './inference.ts'

/** Which session tokens of a user at a provider are good: those of this generation that are not revoked. */
export type TokenStanding = Pick<Account, 'generation' | 'revokedBitmap'>

/**
 * Also of an account that is closed: its generation outlives it, and only logs tell it. Where an RPC does not show
 * them the account counts as one that was never open.
 * @see contracts.md section 2.1, `deleteAccount`
 */
export async function tokenStanding(
  inference: Contract,
  user: Address,
  provider: Address,
): Promise<TokenStanding> {
  const account = await findAccount(inference, user, provider)
  return account ?? { generation: await lastGeneration(inference, user, provider), revokedBitmap: 0n }
}

async function lastGeneration(inference: Contract, user: Address, provider: Address): Promise<number> {
  const revocations = inference.getEvent('AllTokensRevoked')(user, provider)
  const logs = await inference.queryFilter(revocations, 0).catch(() => [])
  return Number((logs.at(-1) as EventLog | undefined)?.args.newGeneration ?? 0)
}
