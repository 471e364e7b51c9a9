import type { Prices } from './pricing.ts'

/** Header names of the wire protocol; lower case, as Node gives them. */
export const HEADER = {
  /** Response: the answer's id, under which its proof is fetched. */
  responseKey: 'zg-res-key',
  /** Response: the signed receipt as base64 of its JSON; small non-streamed answers only. */
  receipt: 'zg-receipt',
  /** Request: the highest prices accepted, e.g. `input=<neuron>,output=<neuron>` per token; dearer is 409. */
  maxPrice: 'zg-max-price',
  /** Request: `balance` allows fewer answer tokens than asked for, as many as the balance pays. */
  capOutput: 'zg-cap-output',
  /** Response: the number of answer tokens that such a request was capped to. */
  cappedTo: 'zg-capped-to',
  /** Request: a retry with the same key joins the running answer and is never charged twice. */
  idempotencyKey: 'idempotency-key',
  /** Request: the session key's signature, for tokens that are bound to one. @see signedRequest.ts */
  requestSignature: 'zg-request-signature',
  /** Request: what a provider without a TEE is paid by. @see voucherHeader.ts */
  voucher: 'zg-voucher',
  /** Response: how the caller was known, `session` or `bearer`; whoever sees a bearer token can spend with it. */
  auth: 'zg-auth',
  /** Response: the provider's address. */
  provider: 'provider',
} as const

/** Value of the request header `zg-max-price`: neuron per unit by class, in the order given. */
export const formatMaxPrice = (prices: Prices): string =>
  Object.entries(prices)
    .map(([unit, price]) => `${unit}=${price}`)
    .join()

/** Reads `zg-max-price`; null when malformed. A class that it does not name is accepted at no price. */
export function parseMaxPrice(value: string): Prices | null {
  if (!/^[a-zA-Z]{1,20}=\d{1,30}(?:,[a-zA-Z]{1,20}=\d{1,30}){0,7}$/.test(value)) return null
  const pairs = value.split(',').map((pair) => pair.split('=') as [string, string])
  return Object.fromEntries(pairs.map(([unit, price]) => [unit, BigInt(price)]))
}
