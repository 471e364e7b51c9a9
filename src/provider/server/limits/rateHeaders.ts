import type { TokenBucket } from './tokenBucket.ts'

/**
 * The rate headers that OpenAI's API sends: limit, what is left, and when the limit is whole again.
 * @see https://platform.openai.com/docs/guides/rate-limits
 */
export function rateHeaders(
  requests: TokenBucket,
  tokens: TokenBucket,
  now: number,
): Readonly<Record<string, string>> {
  return { ...headersOf('requests', requests, now), ...headersOf('tokens', tokens, now) }
}

/** Names of all of them, for browsers. */
export const RATE_HEADER_NAMES = ['requests', 'tokens']
  .flatMap((unit) => ['limit', 'remaining', 'reset'].map((what) => `x-ratelimit-${what}-${unit}`))
  .join(', ')

function headersOf(unit: string, bucket: TokenBucket, now: number): Record<string, string> {
  if (bucket.capacity === 0) return {}
  return {
    [`x-ratelimit-limit-${unit}`]: String(bucket.capacity),
    [`x-ratelimit-remaining-${unit}`]: String(Math.max(0, Math.floor(bucket.level(now)))),
    [`x-ratelimit-reset-${unit}`]: `${bucket.waitMs(bucket.capacity, now) / 1000}s`,
  }
}
