import type { Contract } from 'ethers'
import { type Address, sameAddress } from '../../base/hex.ts'
import { type Account, findService } from '../../chain/inference.ts'
import type { WaitReason } from './report.ts'

/** Why the contract would refuse every entry of this provider now, or null. Costs no gas to find out. */
export async function serviceFault(
  contract: Contract,
  provider: Address,
  signer: Address,
): Promise<WaitReason | null> {
  const service = await findService(contract, provider)
  if (!service || !sameAddress(service.teeSignerAddress, signer)) return 'service_mismatch'
  return service.teeSignerAcknowledged ? null : 'service_not_acknowledged'
}

/**
 * Why an entry of this user would be refused, or would use its nonce up for nothing, now; or null.
 * A pending refund counts: the contract takes it back for a settlement.
 */
export function accountFault(account: Account | null): WaitReason | null {
  if (!account) return 'account_missing'
  if (!account.acknowledged) return 'account_not_acknowledged'
  return account.balance === 0n ? 'account_empty' : null
}
