const FIRST_DELAY = 250
const LONGEST_DELAY = 10_000

/** Milliseconds to wait before attempt `attempt` (0 is the first): 250, 500, 1,000 … 10,000. */
export function backoff(attempt: number): number {
  return Math.min(FIRST_DELAY * 2 ** attempt, LONGEST_DELAY)
}
