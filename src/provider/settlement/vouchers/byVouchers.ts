import { smaller } from '../../../base/bigint.ts'
import { type Address, sameAddress } from '../../../base/hex.ts'
import { encodeVoucherRows, type VoucherRow } from '../../../protocol/voucher.ts'
import type { BatchPayer } from '../../ledger/batches.ts'
import type { StoredVoucher } from '../../ledger/vouchers.ts'
import type { Claiming } from '../batches/claim.ts'

/** By what each payer's session keys signed, up to what was charged. */
export const BY_VOUCHERS: Claiming = {
  async claimOf({ payers }, provider, { settler }) {
    const vouchers = await settler.ledger.vouchers.of(payers.map(({ user }) => user))
    const paidOf = (user: Address) => settler.ledger.totals(user).paid
    const claims = payers.map((payer) => rowsOf(payer, paidOf(payer.user), vouchers))
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
function rowsOf(
  { user, cumulative }: BatchPayer,
  paid: bigint,
  vouchers: readonly StoredVoucher[],
): VoucherRow[] {
  return vouchers
    .filter((voucher) => sameAddress(voucher.user, user) && voucher.cumulative > paid)
    .map(({ cumulative: signed, signature }) => ({ claimed: smaller(cumulative, signed), signed, signature }))
    .sort((a, b) => (a.signed < b.signed ? -1 : 1))
}
