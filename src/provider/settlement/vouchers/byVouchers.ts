import { smaller } from '../../../base/bigint.ts'
import { type Address, sameAddress } from '../../../base/hex.ts'
import { readDelegation } from '../../../chain/delegations.ts'
import { encodeVoucherRows, type VoucherRow } from '../../../protocol/voucher.ts'
import type { BatchPayer } from '../../ledger/batches.ts'
import type { StoredVoucher } from '../../ledger/vouchers.ts'
import type { Claiming } from '../batches/claim.ts'
import { inPages } from '../batches/readTotals.ts'
import type { Run } from '../run.ts'

/** More rows of one payer are not sent: keys cost little, and all who are settled together share the gas. */
const MOST_KEYS = 8

/** By what each payer's session keys signed, up to what was charged. */
export const BY_VOUCHERS: Claiming = {
  async claimOf({ payers }, provider, run) {
    const { ledger } = run.settler
    const kept = await ledger.vouchers.of(payers.map(({ user }) => user))
    const claims: VoucherRow[][] = []
    for (const payer of payers) {
      const { paid } = ledger.totals(payer.user)
      const own = kept.filter(({ user, cumulative }) => sameAddress(user, payer.user) && cumulative > paid)
      claims.push(rowsOf(payer, own.length > MOST_KEYS ? await highestGood(own, provider, run) : own))
    }
    return {
      method: 'settleVouchers',
      args: [provider, encodeVoucherRows(claims.flat())],
      asked: claims.reduce((sum, rows) => sum + (rows.at(-1)?.claimed ?? 0n), 0n),
      leftOut: payers.flatMap(({ user, cumulative }, i) =>
        claims[i]?.at(-1)?.claimed === cumulative ? [] : [user],
      ),
    }
  },

  async faultOf({ user, account, chain, spendable }, _provider, { settler }) {
    if (!account) return 'account_missing'
    if (chain.mode === 'batch') return 'settled_by_batches'
    if (spendable === 0n) return 'account_empty'
    const isSigned = ({ cumulative }: StoredVoucher) => cumulative > chain.settled
    return (await settler.ledger.vouchers.of([user])).some(isSigned) ? null : 'voucher_missing'
  },
}

/** The highest last: where its key was ended, what the keys before it signed is paid all the same. */
const rowsOf = ({ cumulative }: BatchPayer, vouchers: readonly StoredVoucher[]): VoucherRow[] =>
  vouchers
    .map(({ cumulative: signed, signature }) => ({ claimed: smaller(cumulative, signed), signed, signature }))
    .sort((a, b) => (a.signed < b.signed ? -1 : 1))

/** The highest of those that the contract still takes: without the look, keys that are over would hide the others. */
async function highestGood(
  vouchers: readonly StoredVoucher[],
  provider: Address,
  run: Run,
): Promise<StoredVoucher[]> {
  const { contract } = run.settler
  const head = await run.provider.getBlock('latest')
  const oldest = (head?.timestamp ?? 0) - Number(await contract.getFunction('lockTime').staticCall())
  const good = await inPages(vouchers, async (voucher) => {
    const { cap, expiry } = await readDelegation(contract, provider, voucher.sessionKey)
    return cap > 0n && expiry >= oldest ? [voucher] : []
  })
  const highestFirst = good.flat().sort((a, b) => (a.cumulative > b.cumulative ? -1 : 1))
  return highestFirst.slice(0, MOST_KEYS)
}
