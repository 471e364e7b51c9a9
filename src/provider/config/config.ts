import type { LogLevel } from '../../base/log.ts'
import type { UserLimits } from '../server/limits/limits.ts'

/** 0G per million tokens, as decimal text. */
export interface ConfiguredPrices {
  readonly input: string
  readonly output: string
  readonly cachedInput?: string
}

/** US dollars per million tokens, as decimal text; `rate` in dollars per 0G. Times in seconds. */
export interface ConfiguredDollars {
  readonly input: string
  readonly output: string
  readonly cachedInput?: string
  readonly rate?: string
  readonly rateUrl?: string
  readonly rateField?: string
  readonly refresh?: number
  readonly maxAge?: number
  readonly maxStep?: number
}

/** Of one model: per million tokens, or in 0G per image or second of audio. */
export type ConfiguredModelPrices = Partial<ConfiguredPrices> & {
  readonly image?: string
  readonly second?: string
}

/** A provider's configuration as `schema.json` describes it. What is absent has its default. */
export interface ProviderConfig {
  readonly network?: string
  readonly listen?: {
    readonly host?: string
    readonly port?: number
    readonly url?: string
    /** Whose pages may read answers; default: all. */
    readonly origins?: readonly string[]
    /** PEM files. */
    readonly tls?: { readonly cert: string; readonly key: string }
  }
  readonly engine?: ConfiguredEngine
  /** More of them, beside `engine` where that is given. */
  readonly engines?: readonly ConfiguredEngine[]
  readonly tee?: { readonly kind?: 'dstack' | 'simulated' | 'none'; readonly socket?: string }
  readonly prices?: Partial<ConfiguredPrices> & {
    readonly models?: Readonly<Record<string, ConfiguredModelPrices>>
    readonly usd?: ConfiguredDollars
    /** Prompts of more tokens cost so many percent of the prices. */
    readonly tiers?: readonly { readonly above: number; readonly input: number; readonly output: number }[]
    /** From an amount in 0G charged in all, so many percent less. */
    readonly volume?: readonly { readonly from: string; readonly percent: number }[]
  }
  readonly settlement?: {
    readonly interval?: number
    readonly minimum?: string
    readonly eager?: string
    readonly payee?: string
    readonly keep?: string
    /** Without a TEE: served beyond what vouchers cover, to each payer. */
    readonly credit?: string
  }
  readonly limits?: ConfiguredLimits
  readonly finetune?: ConfiguredFineTuning
  readonly admin?: { readonly port?: number }
  readonly log?: { readonly level?: LogLevel }
  readonly dataDir?: string
  readonly database?: string
  readonly compat?: boolean
}

export interface ConfiguredEngine {
  readonly kind?: string
  readonly model?: string
  readonly target?: string
  readonly parallel?: number
  readonly context?: number
  readonly name?: string
  readonly program?: string
  readonly gpuLayers?: number
  readonly tensorParallel?: number
  readonly pipelineParallel?: number
  readonly ray?: boolean
  readonly adapters?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** For url: what models are for that make no text, by id. */
  readonly serves?: Readonly<Record<string, 'image' | 'transcription'>>
}

/** Times in seconds. */
export interface ConfiguredLimits {
  readonly concurrent?: number
  readonly tokensInFlight?: number
  readonly bodyBytes?: number
  readonly connections?: number
  readonly headersTimeout?: number
  readonly requestTimeout?: number
  readonly writeTimeout?: number
  readonly trustProxy?: boolean
  readonly user?: Partial<UserLimits>
  readonly users?: Readonly<Record<string, Partial<UserLimits>>>
  readonly strangers?: { readonly perIpPerMinute?: number; readonly perMinute?: number }
}

/** Fine-tuning. Amounts in 0G as text, retention in hours, windows and times in seconds. */
export interface ConfiguredFineTuning {
  readonly enabled?: boolean
  /** By name. `path` is a folder of a published model, `gguf` the same for llama.cpp. */
  readonly models?: Readonly<
    Record<
      string,
      {
        readonly path: string
        readonly gguf?: string
        readonly description?: string
        readonly coefficient?: number
        readonly storageFee?: string
      }
    >
  >
  /** Per million tokens and pass. */
  readonly price?: string
  readonly trainer?: 'local' | 'ray'
  readonly rayAddress?: string
  readonly python?: string
  readonly workDir?: string
  /** Fetch datasets from 0G Storage too. */
  readonly storage?: boolean
  readonly slots?: number
  readonly gpusPerJob?: number
  readonly scratch?: boolean
  readonly retention?: number
  /** The shortest that orders may give. */
  readonly windows?: { readonly train?: number; readonly acknowledge?: number; readonly reveal?: number }
  readonly limits?: {
    readonly datasetBytes?: number
    readonly tokens?: number
    readonly trainSeconds?: number
    readonly memoryBytes?: number
    readonly threads?: number
    readonly queue?: number
    readonly perUser?: number
    readonly scratchParameters?: number
  }
}
