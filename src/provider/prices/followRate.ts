import { toAppError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { RateFeed } from './rateFeed.ts'

/** A price on chain may be off by this much before it is written again, percent: each time costs gas. */
const DRIFT_PERCENT = 1n

interface ChainPrices {
  readonly input: bigint
  readonly output: bigint
}

/**
 * Writes prices on chain again when the rate has moved them.
 * @param prices what should stand there now
 * @returns stops it
 */
export function followRate(
  feed: RateFeed,
  prices: () => ChainPrices,
  register: () => Promise<unknown>,
  log: Logger,
): () => void {
  let written = prices()
  return feed.onChange(() => {
    const now = prices()
    if (!drifted(written.input, now.input) && !drifted(written.output, now.output)) return
    const before = written
    written = now
    register().catch((thrown) => {
      written = before
      log.warn('price_not_registered', { code: toAppError(thrown).code })
    })
  })
}

const drifted = (from: bigint, to: bigint): boolean =>
  (to > from ? to - from : from - to) * 100n > from * DRIFT_PERCENT
