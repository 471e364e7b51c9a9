/** What one user may do at once and in a minute. 0 means no limit. */
export interface UserLimits {
  /** Requests that run at the same time. */
  readonly concurrent: number
  readonly requestsPerMinute: number
  /** Prompt and answer tokens, counted when an answer has ended. */
  readonly tokensPerMinute: number
}

/** Bounds of the server. 0 means no limit. Times in ms, sizes in bytes. */
export interface Limits {
  /** Requests of all users that run at the same time; beyond it 503. */
  readonly concurrent: number
  /** Tokens, prompt bound and `max_tokens` together, of all requests that run. */
  readonly tokensInFlight: number
  readonly user: UserLimits
  /** Other limits for single users, by address in lower case. */
  readonly users: Readonly<Record<string, Partial<UserLimits>>>
  /** Largest request body. */
  readonly bodyBytes: number
  /** Checks of unknown tokens and look-ups of unknown addresses; who turns out to be a customer gets his back. */
  readonly strangers: { readonly perIpPerMinute: number; readonly perMinute: number }
  /** Open connections; further ones are closed at once. */
  readonly connections: number
  /** Until the request's headers are complete. */
  readonly headersTimeoutMs: number
  /** Until the whole request is. */
  readonly requestTimeoutMs: number
  /** How long a client may take nothing of what waits for it. */
  readonly writeTimeoutMs: number
  /** Take the caller's address from the last entry of `X-Forwarded-For`: behind a proxy of one's own only. */
  readonly trustProxy: boolean
}

/** @param user in lower case */
export const limitsOf = (limits: Limits, user: string): UserLimits => ({
  ...limits.user,
  ...limits.users[user],
})

/** Wide enough for a busy client, narrow enough that one cannot shut out the others. */
export const DEFAULT_LIMITS: Limits = {
  concurrent: 512,
  tokensInFlight: 8_000_000,
  user: { concurrent: 128, requestsPerMinute: 60_000, tokensPerMinute: 5_000_000 },
  users: {},
  bodyBytes: 32 * 1024 * 1024,
  strangers: { perIpPerMinute: 600, perMinute: 3000 },
  connections: 10_000,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 120_000,
  writeTimeoutMs: 60_000,
  trustProxy: false,
}
