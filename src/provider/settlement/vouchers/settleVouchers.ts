import type { Address } from '../../../base/hex.ts'
import type { Owing } from '../../ledger/batches.ts'
import { followUp } from '../batches/followUp.ts'
import { settleOwing } from '../batches/settleOwing.ts'
import type { Run } from '../run.ts'
import { BY_VOUCHERS } from './byVouchers.ts'

/**
 * Settlement by vouchers: what is charged is asked for as in a batch, each payer by what its own session key signed. The
 * contract pays each neuron once, whatever is sent how often; what is not signed for waits.
 */
export async function settleVouchers(run: Run): Promise<void> {
  if (!(await followUp(run))) return
  const owing = await dueNow(run)
  if (owing.length === 0) return
  const provider = (await run.settler.operator.getAddress()) as Address
  await settleOwing(owing, BY_VOUCHERS, provider, run)
}

/** Who owes the minimum, and who owes anything by a key that is soon over: later nobody could claim it. */
async function dueNow({ settler, minimum, provider }: Run): Promise<Owing[]> {
  const { ledger, claimSeconds = 0 } = settler
  const owing = await ledger.batches.owing(1n)
  const small = owing.filter(({ amount }) => amount < minimum)
  const vouchers = await ledger.vouchers.of(small.map(({ user }) => user))
  const soon = ((await provider.getBlock('latest'))?.timestamp ?? 0) + 2 * claimSeconds
  const isOver = new Set(vouchers.filter(({ expiry }) => expiry < soon).map(({ user }) => user.toLowerCase()))
  return owing.filter(({ user, amount }) => amount >= minimum || isOver.has(user.toLowerCase()))
}
