/** Header names of the wire protocol; lower case, as Node gives them. */
export const HEADER = {
  /** Response: the answer's id, under which its proof is fetched. */
  responseKey: 'zg-res-key',
  /** Response: the signed receipt as base64 of its JSON; small non-streamed answers only. */
  receipt: 'zg-receipt',
  /** Request: the highest prices accepted, `input=<neuron>,output=<neuron>` per token; dearer is 409. */
  maxPrice: 'zg-max-price',
  /** Request: `balance` allows fewer answer tokens than asked for, as many as the balance pays. */
  capOutput: 'zg-cap-output',
  /** Response: the number of answer tokens that such a request was capped to. */
  cappedTo: 'zg-capped-to',
  /** Request: a retry with the same key joins the running answer and is never charged twice. */
  idempotencyKey: 'idempotency-key',
  /** Response: the provider's address. */
  provider: 'provider',
} as const

/** Value of the request header `zg-max-price`. */
export const formatMaxPrice = (prices: { readonly input: bigint; readonly output: bigint }): string =>
  `input=${prices.input},output=${prices.output}`

/** Reads `zg-max-price`; null when malformed. */
export function parseMaxPrice(value: string): { readonly input: bigint; readonly output: bigint } | null {
  const match = /^input=(\d{1,30}),output=(\d{1,30})$/.exec(value)
  return match && { input: BigInt(match[1]!), output: BigInt(match[2]!) }
}
