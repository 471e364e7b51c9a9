import { tooSlow } from './brokerError.ts'

/** For what has to be there whole after so long, ms: who sends a little now and then is slow too, and said to be. */
export function deadline(ms: number, url: string): AbortSignal {
  const controller = new AbortController()
  AbortSignal.timeout(ms).addEventListener('abort', () => controller.abort(tooSlow(url)), { once: true })
  return controller.signal
}
