import type { Contract } from 'ethers'
import type { Address } from '../../../base/hex.ts'
import type { Claim } from './claim.ts'

/** What a claim would pay if its provider sent it now, neuron. @throws CALL_EXCEPTION of ethers when it would be refused */
export const wouldPay = (
  contract: Contract,
  { method, args }: Pick<Claim, 'method' | 'args'>,
  from: Address,
): Promise<bigint> => contract.getFunction(method).staticCall(...args, { from })
