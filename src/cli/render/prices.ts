import { format0G, format0GPerMillion } from '../../base/units.ts'
import type { OfferPrices } from '../../client/serviceTypes.ts'

/** Prices for people, in 0G: by the million tokens in and out, the image or the second. */
export function renderPrices({ input, output, image, second }: OfferPrices): string {
  const pieces = [
    ...(image === undefined ? [] : [`${format0G(image)} per image`]),
    ...(second === undefined ? [] : [`${format0G(second)} per second`]),
  ]
  const sellsTokens = pieces.length === 0 || input > 0n || output > 0n
  const tokens = `${format0GPerMillion(input)} / ${format0GPerMillion(output)} per M`
  return [...(sellsTokens ? [tokens] : []), ...pieces].join(', ')
}
