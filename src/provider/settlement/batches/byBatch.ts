import type { Address } from '../../../base/hex.ts'
import { encodeBatchRows, type SettlementBatch, signBatch } from '../../../protocol/batch.ts'
import type { Run } from '../run.ts'
import type { Claiming } from './claim.ts'
import type { Payer } from './payers.ts'
import { wouldPay } from './wouldPay.ts'

/** By one signature of the enclave over the totals of all. */
export const BY_BATCH: Claiming = {
  async claimOf({ number, payers }, provider, run) {
    const asOf = (await run.provider.getBlock('latest'))?.timestamp ?? 0
    return {
      ...(await signed({ provider, upTo: number, asOf, rows: payers }, run)),
      asked: payers.reduce((sum, { cumulative }) => sum + cumulative, 0n),
      leftOut: [],
    }
  },

  async faultOf(payer, provider, run) {
    const { account, chain, spendable } = payer
    if (!account) return 'account_missing'
    if (spendable === 0n || spendable < run.minimum) return 'account_empty'
    const byVouchers = chain.mode === 'voucher'
    if (account.acknowledged && !byVouchers) return null
    // After a withdrawal, or a rotation, for one lock time more; after vouchers by a signer acknowledged since.
    if (await canBeCharged(payer, provider, run)) return null
    return byVouchers ? 'settled_by_vouchers' : 'account_not_acknowledged'
  },
}

async function signed(batch: SettlementBatch, { settler }: Run) {
  const { tee, chainId, contract } = settler
  const { provider, upTo, asOf, rows } = batch
  const signature = signBatch(tee.signerKey, chainId, (await contract.getAddress()) as Address, batch)
  return { method: 'settleBatch', args: [provider, upTo, asOf, encodeBatchRows(rows), signature] } as const
}

/** Asks the contract, with a batch that this broker does not send; whoever sends it takes one neuron that is owed. */
async function canBeCharged({ user, chain }: Payer, provider: Address, run: Run): Promise<boolean> {
  const upTo = (await run.settler.ledger.numbers.last()) + 1
  const asOf = (await run.provider.getBlock('latest'))?.timestamp ?? 0
  const rows = [{ user, cumulative: chain.settled + 1n }]
  return (
    (await wouldPay(run.settler.contract, await signed({ provider, upTo, asOf, rows }, run), provider)) > 0n
  )
}
