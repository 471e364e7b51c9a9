import { compare, type Offer, priceOf } from '../offers.ts'
import { kindsOfType } from '../serviceTypes.ts'

/**
 * `GET /v1/models` over all providers: each model once, with its cheapest price and who sells it. Neuron per token, image
 * or second.
 */
export function modelsDocument(offers: readonly Offer[]): object {
  const byModel = Map.groupBy(offers, ({ model }) => model)
  const data = [...byModel].map(([id, sellers]) => {
    const sorted = sellers.toSorted((a, b) => compare(priceOf(a), priceOf(b)))
    const { prices, contextLength, kinds, service } = sorted[0]!
    const { input, output, image, second } = prices
    return {
      id,
      object: 'model',
      created: 0,
      owned_by: '0g-compute',
      context_length: contextLength,
      kinds: kinds ?? kindsOfType(service.serviceType),
      pricing: {
        prompt: input.toString(),
        completion: output.toString(),
        ...(image !== undefined && { image: image.toString() }),
        ...(second !== undefined && { second: second.toString() }),
      },
      providers: sorted.map(({ service }) => service.provider),
    }
  })
  return { object: 'list', data }
}
