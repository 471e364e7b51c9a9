import type { Address } from '../../base/hex.ts'

/** What offers are put in order by. */
export const SORTS = ['price', 'latency', 'verifiability'] as const
export type Sort = (typeof SORTS)[number]

/** How a buyer wants providers chosen. */
export interface Preferences {
  /** Default `price`. */
  readonly sort?: Sort
  /** Highest price of a prompt or answer token, neuron: dearer offers are passed over. */
  readonly maxPrice?: bigint
  /** The same of an image or a second of audio. */
  readonly maxUnitPrice?: bigint
  /** Only these. */
  readonly allow?: readonly Address[]
  /** Never these. */
  readonly deny?: readonly Address[]
}

/** What a request needs of a model. */
export interface Needs {
  /** `chat`, `completion`, `embedding`, `messages`, `image` or `transcription`. */
  readonly kind: string
  readonly tools?: boolean
  readonly vision?: boolean
  /** Tokens of prompt and answer together. */
  readonly contextLength?: number
}
