import type { DatasetPlace } from '../../protocol/finetune/spec.ts'
import type { FileStore } from '../../storage/stores/fileStore.ts'
import type { ModelOptions } from './models.ts'

/** Where datasets are fetched from, beside those that users upload. */
export type DatasetStores = Partial<Record<Exclude<DatasetPlace, 'upload'>, FileStore>>

/** What training costs, neuron. */
export interface FineTuningPrices {
  /** Of a token of one pass. */
  readonly perToken: bigint
}

export interface FineTuningLimits {
  /** Of a dataset as it is sent. */
  readonly datasetBytes: number
  /** Tokens of one pass. */
  readonly tokens: number
  /** Longest training, seconds. */
  readonly trainSeconds: number
  /** Memory of one job, bytes; 0: none. */
  readonly memoryBytes: number
  /** CPU threads of one job; 0: all. */
  readonly threads: number
  /** Tasks of all users that wait or train. */
  readonly queue: number
  /** Of them of one user. */
  readonly perUser: number
  /** Parameters of a model from scratch. */
  readonly scratchParameters: number
  /** Time after the delivery in which the sealed model can be fetched, seconds. */
  readonly retentionSeconds: number
  /** Shortest windows of an order, seconds. */
  readonly minimumWindows: { readonly train: number; readonly acknowledge: number; readonly reveal: number }
}

export const DEFAULT_FINE_TUNING_LIMITS: FineTuningLimits = {
  datasetBytes: 1024 ** 3,
  tokens: 100_000_000,
  trainSeconds: 24 * 3600,
  memoryBytes: 0,
  threads: 0,
  queue: 16,
  perUser: 2,
  scratchParameters: 2_000_000_000,
  retentionSeconds: 72 * 3600,
  minimumWindows: { train: 600, acknowledge: 3600, reveal: 3600 },
}

/** 0G per million tokens and pass. */
export const DEFAULT_FINE_TUNING_PRICE = '0.5'

/** What turns a broker into one that fine-tunes. */
export interface FineTuningOptions {
  readonly models: readonly ModelOptions[]
  readonly prices: FineTuningPrices
  readonly limits: FineTuningLimits
  /** `local`: a child process for each job. `ray`: jobs of a Ray cluster that sees the same `workDir`. */
  readonly trainer: { readonly kind: 'local' } | { readonly kind: 'ray'; readonly address: string }
  /** Python with the trainer's packages. */
  readonly python: string
  /** Where llama.cpp's converters are unpacked, once for all jobs. */
  readonly cacheDir: string
  /** A folder in memory; default the system's. */
  readonly workDir?: string
  /** Jobs at a time; default one for each group of GPUs, or one. */
  readonly slots?: number
  /** GPUs that one job trains on. Default 1. */
  readonly gpusPerJob?: number
  readonly stores?: DatasetStores
  /** Whether models can be trained from scratch. Default true. */
  readonly scratch?: boolean
  /** Folders that jobs must not see beside the broker's data folder. */
  readonly hide?: readonly string[]
  /** Deployed contract: how long a user may let a delivery lie, seconds. Default 48 h, at most half the lock time. */
  readonly ackSeconds?: number
  /** Called when work on a task begins in a state, and after each new state is on the disk. */
  readonly onState?: (id: string, state: string) => void
}
