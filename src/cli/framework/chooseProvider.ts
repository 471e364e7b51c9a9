import type { Address } from '../../base/hex.ts'
import type { Compute } from '../../client/compute.ts'
import type { Context } from './context.ts'
import { asAddress, type Input } from './input.ts'

/** The provider that is meant: `--provider`, the setting, else the cheapest that answers. */
export async function chooseProvider(context: Context, input: Input, compute: Compute): Promise<Address> {
  const named = input.text('provider') ?? context.settings.get('provider')
  if (named !== undefined) return asAddress(named)
  return (await compute.cheapest()).service.provider
}
