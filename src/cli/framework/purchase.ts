import { parse0G } from '../../base/units.ts'
import type { PurchaseRequest } from '../../client/purchase/purchase.ts'
import type { Context } from './context.ts'
import { asAddress, type Input } from './input.ts'
import { privacyOf } from './privacy.ts'
import { unitPreferencesOf } from './routing.ts'

/** What is said of whom to ask, for how much and how privately, where images or seconds are bought. */
export function purchaseOf(
  { settings, signal }: Context,
  input: Input,
): Omit<PurchaseRequest, 'endpoint' | 'body' | 'limitsTokens'> {
  const model = input.text('model') ?? settings.get('model')
  const provider = input.text('provider') ?? settings.get('provider')
  const maxCost = input.text('maxCost') ?? settings.get('max-cost')
  return {
    preferences: unitPreferencesOf(input),
    ...privacyOf(input),
    signal,
    ...(model !== undefined && { model }),
    ...(provider !== undefined && { provider: asAddress(provider) }),
    ...(maxCost !== undefined && { maxCost: parse0G(maxCost) }),
  }
}
