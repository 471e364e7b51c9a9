import type { AppError } from '../../base/errors.ts'
import { sameAddress } from '../../base/hex.ts'
import type { Offer } from '../../client/offers.ts'

type Asked = { readonly service: Pick<Offer['service'], 'provider'> }

/** Who failed, why, and who is asked now. */
export function failoverText(
  { service }: Asked,
  { message }: Pick<AppError, 'message'>,
  next: Asked | null,
): string {
  const { provider } = service
  if (next === null) return `${provider} failed: ${message}`
  const whom = sameAddress(next.service.provider, provider) ? 'it once more' : next.service.provider
  return `${provider} failed, asking ${whom}: ${message}`
}
