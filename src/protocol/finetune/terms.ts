import type { DatasetPlace, TrainingMethod } from './spec.ts'

/**
 * What a provider offers for fine-tuning, beyond the deployed protocol: `finetune` in the document of
 * `GET /v1/capabilities` under the URL of its fine-tuning service, and so bound to its quote. A broker without it is
 * one of the deployed network.
 */
export interface FineTuneTerms {
  readonly v: 1
  /** secp256k1 public key of the enclave, 65 bytes in hex without prefix: keys of datasets are encrypted to it. */
  readonly datasetKey: string
  readonly methods: readonly TrainingMethod[]
  /** `network`: the deployed network's five parameters; `wide`: all of the trainer's. */
  readonly profile: 'network' | 'wide'
  /** Where it takes datasets from. */
  readonly places: readonly DatasetPlace[]
  readonly limits: {
    /** Of the dataset, before it is sealed. */
    readonly datasetBytes: number
    /** Tokens of one pass. */
    readonly tokens: number
    /** Longest training, seconds. */
    readonly trainSeconds: number
    /** Tasks that wait. */
    readonly queue: number
    /** Parameters of a model made from scratch. */
    readonly scratchParameters: number
  }
  /** Deadlines of an order, seconds. `minimum` is the least that the provider takes, `maximum` the most. */
  readonly windows: {
    /** From now until the delivery. */
    readonly train: { readonly minimum: number; readonly usual: number }
    /** In which the user may reject. */
    readonly acknowledge: { readonly minimum: number; readonly usual: number; readonly maximum: number }
    /** In which the provider publishes the key. */
    readonly reveal: { readonly minimum: number; readonly usual: number }
  }
  /** For so long after the delivery the sealed model can be downloaded; then it is destroyed. Seconds. */
  readonly retentionSeconds: number
  /** Whether adapters are served for their owners, and by which inference provider's service. */
  readonly serves: boolean
}

/**
 * An entry of `GET /v1/model` and the answer of `GET /v1/model/{name}`: the deployed fields, then ours.
 * Tokenizer files come from `GET /v1/model/{name}/files/{file}`.
 * @see client-wire.md section 2.1
 */
export interface FineTuneModel {
  readonly name: string
  /** `preTrainedModelHash`. */
  readonly hash: string
  readonly image?: string
  readonly dataType: string
  readonly trainingScript?: string
  readonly description: string
  readonly tokenizer: string

  /** Multiplies the price per token. */
  readonly coefficient?: number
  /** Neuron a task, decimal. */
  readonly storageFee?: string
  readonly methods?: readonly TrainingMethod[]
  /** Tokens. */
  readonly contextLength?: number
  readonly parameters?: number
  /** What it takes to count tokens as the provider does: name, bytes and sha256 (64 hex digits) of each file. */
  readonly files?: readonly ModelFile[]
}

export interface ModelFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/** The terms in a capabilities document, or null for a broker that has none. */
export function termsIn(capabilities: unknown): FineTuneTerms | null {
  const terms = (capabilities as { finetune?: FineTuneTerms } | null)?.finetune
  if (typeof terms !== 'object' || terms === null || terms.v !== 1) return null
  const isWhole =
    typeof terms.datasetKey === 'string' &&
    /^04[0-9a-f]{128}$/.test(terms.datasetKey) &&
    Array.isArray(terms.methods) &&
    Array.isArray(terms.places) &&
    (terms.profile === 'network' || terms.profile === 'wide') &&
    [
      terms.limits?.datasetBytes,
      terms.limits?.tokens,
      terms.limits?.trainSeconds,
      terms.windows?.train?.minimum,
      terms.windows?.train?.usual,
      terms.windows?.acknowledge?.usual,
      terms.windows?.reveal?.usual,
      terms.retentionSeconds,
    ].every((value) => Number.isSafeInteger(value) && (value as number) >= 0)
  return isWhole ? terms : null
}
