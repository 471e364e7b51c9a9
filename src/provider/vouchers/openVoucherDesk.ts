import { AppError, EXIT } from '../../base/errors.ts'
import { hasBatches } from '../../chain/batches.ts'
import type { Tee } from '../tee/tee.ts'
import { VoucherDesk, type VoucherDeskOptions } from './voucherDesk.ts'

const DEFAULT_INTERVAL_MS = 5 * 60 * 1000
const LEAST_SECONDS = 60

/** What a session key signs is claimed within two settlements, seconds. */
export const claimSecondsOf = (settleIntervalMs = DEFAULT_INTERVAL_MS): number =>
  Math.max(LEAST_SECONDS, Math.ceil((2 * settleIntervalMs) / 1000))

/**
 * Where a broker has no TEE it is paid by vouchers, elsewhere never: null.
 * @throws AppError `vouchers_unsupported` on contracts that know none
 */
export async function openVoucherDesk(
  { kind }: Pick<Tee, 'kind'>,
  options: VoucherDeskOptions,
): Promise<VoucherDesk | null> {
  if (kind !== 'none') return null
  if (await hasBatches(options.contract)) return new VoucherDesk(options)
  throw new AppError({
    code: 'vouchers_unsupported',
    message: 'Without a TEE a provider is paid by vouchers, and the contract of this network takes none',
    hint: 'Serve from a TEE there: --tee dstack',
    next: '0g-compute provider serve --tee dstack',
    exitCode: EXIT.unsupported,
  })
}
