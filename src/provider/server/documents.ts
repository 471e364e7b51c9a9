import { HEADER } from '../../protocol/headers.ts'
import type { BrokerOptions } from '../broker.ts'
import type { Engine } from '../engine/engine.ts'

/** `GET /v1/models`: OpenAI's list with what a buyer needs beside it. Prices in neuron per token. */
export const modelsDocument = (
  engine: Engine,
  prices: BrokerOptions['prices'],
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
    pricing: { prompt: prices.input.toString(), completion: prices.output.toString() },
    verifiability: 'TeeML',
  })),
})

/** `GET /v1/capabilities`: what this broker can do beyond the deployed protocol. */
export const capabilitiesDocument = (): object => ({
  v: 1,
  endpoints: ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'],
  receipt: 1,
  receiptHeader: HEADER.receipt,
  maxPriceHeader: HEADER.maxPrice,
  settlement: ['settleFeesWithTEE'],
})
