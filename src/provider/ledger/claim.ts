import { sameAddress } from '../../base/hex.ts'
import { ledgerForeign, ledgerKeyChanged } from './errors.ts'
import { RowSeal } from './seal.ts'
import type { IdentityRow, LedgerIdentity } from './tables.ts'

/**
 * Makes sure whose ledger it is.
 * @returns the identity as it was first written, so that what was signed is served again unchanged
 * @throws AppError `ledger_foreign`, `ledger_key_changed`
 */
export function assertOwner(
  path: string,
  row: IdentityRow,
  wanted: LedgerIdentity,
  rowKey: Uint8Array,
): LedgerIdentity {
  if (row.chain_id !== wanted.chainId) throw ledgerForeign(path, 'chain')
  if (!sameAddress(row.contract, wanted.contract)) throw ledgerForeign(path, 'contract')
  if (!sameAddress(row.provider, wanted.provider)) throw ledgerForeign(path, 'provider')
  const found: LedgerIdentity = { chainId: row.chain_id, contract: row.contract, provider: row.provider }
  if (!new RowSeal(rowKey, found).matches('key', [], row.key_check)) throw ledgerKeyChanged(path)
  return found
}
