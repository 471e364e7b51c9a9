import type { Contract } from 'ethers'
import type { Address } from '../../base/hex.ts'
import { format0G } from '../../base/units.ts'
import { addressOf, type PrivateKey } from '../../protocol/signature.ts'
import { type Delegation, signDelegation } from '../../protocol/voucher.ts'
import type { FundingStep } from '../funding/fundingPlan.ts'

/** Who is allowed what. */
export interface DelegateStepOptions {
  readonly inference: Contract
  readonly chainId: number
  readonly provider: Address
  readonly user: Address
  readonly key: PrivateKey
  /** Neuron in all. */
  readonly cap: bigint
  /** Unix seconds. */
  readonly expiry: number
}

/** The payer's transaction that lets a session key sign its vouchers. */
export function delegateStep({ inference, chainId, key, ...options }: DelegateStepOptions): FundingStep {
  const { provider, user, cap, expiry } = options
  const sessionKey = addressOf(key)
  const delegation: Delegation = { provider, user, sessionKey, cap, expiry }
  const proof = signDelegation(key, chainId, inference.target as Address, delegation)
  const day = new Date(expiry * 1000).toISOString().slice(0, 10)
  const title = `let a session key of this client pay ${provider} by vouchers, up to ${format0G(cap)} 0G in all and until ${day}`
  const args = [provider, user, sessionKey, cap, expiry, proof, '0x']
  return {
    kind: 'delegate',
    title,
    value: 0n,
    call: { title, contract: inference, method: 'delegateSession', args },
  }
}
