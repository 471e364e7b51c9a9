import type { Contract } from 'ethers'
import type { Address } from '../base/hex.ts'

/** What a session key may sign, as the chain has it. */
export interface ChainDelegation {
  /** Whose vouchers the key signs; null when it was never delegated. */
  readonly user: Address | null
  /** Neuron in all since the beginning; zero when the sub-account was closed since. */
  readonly cap: bigint
  /** Unix seconds. */
  readonly expiry: number
}

const NOBODY = /^0x0{40}$/

/** The delegation of a session key at a provider, in whole gwei. */
export async function readDelegation(
  inference: Contract,
  provider: Address,
  sessionKey: Address,
): Promise<ChainDelegation> {
  const [user, cap, expiry] = await inference.getFunction('delegationOf').staticCall(provider, sessionKey)
  return { user: NOBODY.test(user) ? null : user, cap, expiry: Number(expiry) }
}
