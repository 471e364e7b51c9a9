/** Header names of the wire protocol; lower case, as Node gives them. */
export const HEADER = {
  /** Response: the answer's id, under which its proof is fetched. */
  responseKey: 'zg-res-key',
  /** Response: the signed receipt as base64 of its JSON; small non-streamed answers only. */
  receipt: 'zg-receipt',
  /** Request: the highest prices accepted, `input=<neuron>,output=<neuron>` per token; dearer is 409. */
  maxPrice: 'zg-max-price',
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
