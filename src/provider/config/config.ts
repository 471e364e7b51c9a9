import type { LogLevel } from '../../base/log.ts'
import type { UserLimits } from '../server/limits/limits.ts'

/** 0G per million tokens, as decimal text. */
export interface ConfiguredPrices {
  readonly input: string
  readonly output: string
  readonly cachedInput?: string
}

/** A provider's configuration as `schema.json` describes it. What is absent has its default. */
export interface ProviderConfig {
  readonly network?: string
  readonly listen?: {
    readonly host?: string
    readonly port?: number
    readonly url?: string
    /** PEM files. */
    readonly tls?: { readonly cert: string; readonly key: string }
  }
  readonly engine?: {
    readonly kind?: string
    readonly model?: string
    readonly target?: string
    readonly parallel?: number
    readonly context?: number
  }
  readonly prices?: Partial<ConfiguredPrices> & {
    readonly models?: Readonly<Record<string, ConfiguredPrices>>
    /** From an amount in 0G charged in all, so many percent less. */
    readonly volume?: readonly { readonly from: string; readonly percent: number }[]
  }
  readonly settlement?: { readonly interval?: number; readonly minimum?: string; readonly eager?: string }
  readonly limits?: ConfiguredLimits
  readonly admin?: { readonly port?: number }
  readonly log?: { readonly level?: LogLevel }
  readonly dataDir?: string
  readonly database?: string
  readonly compat?: boolean
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
