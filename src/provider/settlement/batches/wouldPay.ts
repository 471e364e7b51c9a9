import type { Contract } from 'ethers'
import { encodeBatchRows, type SettlementBatch } from '../../../protocol/batch.ts'

/** What a batch would pay if it was sent now, neuron. @throws CALL_EXCEPTION of ethers when it would be refused */
export const wouldPay = (
  contract: Contract,
  { provider, upTo, asOf, rows }: SettlementBatch,
  signature: string,
): Promise<bigint> =>
  contract.getFunction('settleBatch').staticCall(provider, upTo, asOf, encodeBatchRows(rows), signature)
