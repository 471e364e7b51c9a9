import { AppError } from '../../base/errors.ts'
import { isAlive } from '../../base/isAlive.ts'
import type { Context } from './context.ts'
import { wayToMoney } from './wayToMoney.ts'

/** An error with the step that helps on the network of this call: on a devnet there is more that one can do. */
export async function advised(
  error: AppError,
  context: Pick<Context, 'network' | 'devnet' | 'key'>,
): Promise<AppError> {
  const { code, details } = error
  if (code === 'insufficient_funds') {
    const missing = typeof details?.shortfall === 'string' ? BigInt(details.shortfall) : 0n
    return withStep(error, { next: await wayToMoney(context, missing) })
  }
  if (code === 'provider_unreachable' && isDevnetProviderDown(context))
    return withStep(error, { next: '0g-compute devnet up', hint: "The devnet's provider is not running" })
  return error
}

/** Whether the devnet is used, and its provider has ended. */
export const isDevnetProviderDown = ({ network, devnet }: Pick<Context, 'network' | 'devnet'>): boolean =>
  network.kind === 'devnet' && devnet !== null && !isAlive(devnet.provider.pid)

function withStep(error: AppError, step: { readonly next: string; readonly hint?: string }): AppError {
  const { exitCode, status, cause } = error
  return new AppError({ ...error.toObject(), ...step, exitCode, status, cause })
}
