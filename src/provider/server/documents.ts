import { HEADER } from '../../protocol/headers.ts'
import type { Engine } from '../engine/engine.ts'
import type { UserLimits } from './limits/limits.ts'
import type { PriceBook } from './priceBook.ts'

/** `GET /v1/models`: OpenAI's list with what a buyer needs beside it. Prices in neuron per token. */
export const modelsDocument = (
  engine: Engine,
  prices: PriceBook,
  limits: UserLimits,
  owner: string,
  startedAt: number,
): object => ({
  object: 'list',
  data: engine.models.map((model) => ({
    id: model.id,
    object: 'model',
    created: Math.floor(startedAt / 1000),
    owned_by: owner,
    context_length: model.contextLength,
    kinds: model.kinds,
    model_digest: model.digest,
    pricing: pricingOf(prices, model.id),
    rate_limits: {
      requests_per_minute: limits.requestsPerMinute,
      tokens_per_minute: limits.tokensPerMinute,
    },
    verifiability: 'TeeML',
  })),
})

function pricingOf(prices: PriceBook, model: string): object {
  const { input, output, cachedInput } = prices.of(model)
  return {
    prompt: input.toString(),
    completion: output.toString(),
    ...(cachedInput !== undefined && { input_cache_read: cachedInput.toString() }),
    ...(prices.volume.length > 0 && {
      volume_discounts: prices.volume.map(({ from, percent }) => ({ from: from.toString(), percent })),
    }),
  }
}

/** `GET /v1/capabilities`: what this broker can do beyond the deployed protocol. */
export const capabilitiesDocument = (): object => ({
  v: 1,
  quoteNonce: 1,
  endpoints: ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'],
  receipt: 1,
  receiptHeader: HEADER.receipt,
  maxPriceHeader: HEADER.maxPrice,
  capOutputHeader: HEADER.capOutput,
  idempotencyKeyHeader: HEADER.idempotencyKey,
  settlement: ['settleFeesWithTEE'],
})
