import { AppError } from '../../../base/errors.ts'

/** A limit was reached. `retryAfterMs` in the details becomes the header `retry-after`. */
const limited = (status: 429 | 503, code: string, message: string, retryAfterMs: number): AppError =>
  new AppError({
    code,
    message,
    hint: `Nothing was charged. Try again in ${Math.max(1, Math.ceil(retryAfterMs / 1000))} s`,
    retryable: true,
    status,
    details: { retryAfterMs },
  })

/** For what frees itself with the next answer that ends. */
const SOON_MS = 1000

export const globalConcurrency = (limit: number): AppError =>
  limited(503, 'global_concurrency', `This provider serves ${limit} requests at once and is full`, SOON_MS)

export const userConcurrency = (limit: number): AppError =>
  limited(429, 'concurrency', `You may have ${limit} requests running at once here`, SOON_MS)

export const requestRate = (limit: number, waitMs: number): AppError =>
  limited(429, 'rate_limit', `You may send ${limit} requests a minute here`, waitMs)

export const tokenRate = (limit: number, waitMs: number): AppError =>
  limited(429, 'tpm_limit', `You may use ${limit} tokens a minute here`, waitMs)

export const tokenBudget = (limit: number): AppError =>
  limited(429, 'token_budget', `The requests that run here may hold ${limit} tokens together`, SOON_MS)

export const tooManyStrangers = (waitMs: number): AppError =>
  limited(429, 'unknown_callers_limited', 'Too many requests with unknown API keys or accounts', waitMs)
