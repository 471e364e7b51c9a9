import { compare, type Offer, sum } from '../offers.ts'

/** `GET /v1/models` over all providers: each model once, with its cheapest price and who sells it. Neuron per token. */
export function modelsDocument(offers: readonly Offer[]): object {
  const byModel = Map.groupBy(offers, ({ model }) => model)
  const data = [...byModel].map(([id, sellers]) => {
    const sorted = sellers.toSorted((a, b) => compare(sum(a.prices), sum(b.prices)))
    const { prices, contextLength, kinds } = sorted[0]!
    return {
      id,
      object: 'model',
      created: 0,
      owned_by: '0g-compute',
      context_length: contextLength,
      kinds,
      pricing: { prompt: prices.input.toString(), completion: prices.output.toString() },
      providers: sorted.map(({ service }) => service.provider),
    }
  })
  return { object: 'list', data }
}
