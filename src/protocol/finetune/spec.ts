import type { Hex } from '../../base/hex.ts'
import { canonicalJson, sha256Text } from '../canonical.ts'

export const TRAINING_METHODS = ['lora', 'qlora', 'full', 'scratch'] as const
export type TrainingMethod = (typeof TRAINING_METHODS)[number]

export const DATASET_FORMATS = ['jsonl', 'csv', 'parquet'] as const
export type DatasetFormat = (typeof DATASET_FORMATS)[number]

/** How the dataset reaches the provider. */
export const DATASET_PLACES = ['upload', '0g-storage', 'local'] as const
export type DatasetPlace = (typeof DATASET_PLACES)[number]

/**
 * What the user orders: RFC 8785 JSON, whose sha256 is `task` in the signed order. Neither side can claim later
 * that something else was ordered.
 */
export interface TaskSpec {
  readonly v: 1
  /** 16 random bytes in hex: the hash on chain tells nothing. */
  readonly salt: string
  readonly method: TrainingMethod
  /** `preTrainedModelHash`; `NO_MODEL` from scratch. */
  readonly model: Hex
  readonly dataset: DatasetSpec
  /** The same text as `trainingParams`. */
  readonly parameters: string
  readonly seed: number
  /** As the client counted them. The provider counts again, and does not begin when it finds more. */
  readonly tokens: number
  /** From scratch: instead of a base model. */
  readonly scratch?: { readonly config: Readonly<Record<string, unknown>>; readonly vocabulary: number }
  /** `chatml` or a Jinja template, in place of the model's. */
  readonly chatTemplate?: string
  /** Whether GGUF files for llama.cpp are in the artifact too. */
  readonly gguf: boolean
}

export interface DatasetSpec {
  /** As in `datasetHash`. */
  readonly root: string
  readonly place: DatasetPlace
  readonly format: DatasetFormat
  /** Bytes and sha256 (64 hex digits) of what is trained on, after opening. */
  readonly bytes: number
  readonly sha256: string
  /** For CSV and Parquet: from a field to its column. */
  readonly columns?: Readonly<Record<string, string>>
  /**
   * ECIES to the provider's `datasetKey` of the key that the file is sealed with (sealedStream.ts), hex; null when
   * the file carries it itself (sealedFile.ts), which is how ours are sent, or is plain.
   */
  readonly sealedKey: string | null
}

/** The text that is sent and hashed. */
export const specText = (spec: TaskSpec): string => canonicalJson(spec)

/** `task` of the order. */
export const specHash = (text: string): Hex => sha256Text(text)

/**
 * Reads a specification in canonical form.
 * @returns null for anything that is none
 */
export function parseSpec(text: string): TaskSpec | null {
  try {
    const value: unknown = JSON.parse(text)
    return isSpec(value) && canonicalJson(value) === text ? value : null
  } catch {
    return null
  }
}

function isSpec(value: unknown): value is TaskSpec {
  if (!isObject(value)) return false
  const spec = value as unknown as TaskSpec
  return (
    spec.v === 1 &&
    /^[0-9a-f]{32}$/.test(spec.salt) &&
    TRAINING_METHODS.includes(spec.method) &&
    isHash(spec.model) &&
    isDataset(spec.dataset) &&
    typeof spec.parameters === 'string' &&
    isUint(spec.seed) &&
    spec.seed < 2 ** 32 &&
    isUint(spec.tokens) &&
    (spec.method === 'scratch') === (spec.scratch !== undefined) &&
    (spec.scratch === undefined || (isObject(spec.scratch.config) && isUint(spec.scratch.vocabulary))) &&
    (spec.chatTemplate === undefined || typeof spec.chatTemplate === 'string') &&
    typeof spec.gguf === 'boolean'
  )
}

function isDataset(value: unknown): value is DatasetSpec {
  if (!isObject(value)) return false
  const dataset = value as unknown as DatasetSpec
  return (
    typeof dataset.root === 'string' &&
    DATASET_PLACES.includes(dataset.place) &&
    DATASET_FORMATS.includes(dataset.format) &&
    isUint(dataset.bytes) &&
    /^[0-9a-f]{64}$/.test(dataset.sha256) &&
    (dataset.columns === undefined || isColumns(dataset.columns)) &&
    (dataset.sealedKey === null ||
      (typeof dataset.sealedKey === 'string' && /^([0-9a-f]{2})+$/.test(dataset.sealedKey)))
  )
}

const isColumns = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every((column) => typeof column === 'string')

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isHash = (value: unknown): boolean => typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value)

const isUint = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
