import { AppError, EXIT } from '../../base/errors.ts'
import type { FineTuneTerms } from '../../protocol/finetune/terms.ts'
import type { TrainPlan, TrainRequest } from './plan.ts'

type Windows = Pick<TrainPlan, 'trainWithin' | 'acknowledgeWithin' | 'revealWithin'>

/** What brokers of the deployed network do, seconds. @see provider-broker.md section 2.3 */
const DEPLOYED: Windows = { trainWithin: 43_200, acknowledgeWithin: 43_200, revealWithin: 0 }

/**
 * The deadlines of an order, seconds: as asked for, else as the provider usually has them.
 * @throws AppError `window_too_short`, `window_too_long` where its broker would refuse them
 */
export function windowsOf(request: TrainRequest, terms: FineTuneTerms | null): Windows {
  const { trainWithinSeconds, acknowledgeWithinSeconds, revealWithinSeconds } = request
  const usual = terms?.windows
  const windows = {
    trainWithin: trainWithinSeconds ?? usual?.train.usual ?? DEPLOYED.trainWithin,
    acknowledgeWithin: acknowledgeWithinSeconds ?? usual?.acknowledge.usual ?? DEPLOYED.acknowledgeWithin,
    revealWithin: revealWithinSeconds ?? usual?.reveal.usual ?? DEPLOYED.revealWithin,
  }
  if (!terms) return windows
  const { train, acknowledge, reveal } = terms.windows
  assertWithin('deliver', windows.trainWithin, train)
  assertWithin('reject', windows.acknowledgeWithin, acknowledge)
  assertWithin('publish the key', windows.revealWithin, reveal)
  return windows
}

function assertWithin(
  what: string,
  seconds: number,
  {
    minimum = 0,
    maximum = Number.POSITIVE_INFINITY,
  }: { readonly minimum?: number; readonly maximum?: number },
): void {
  if (seconds >= minimum && seconds <= maximum) return
  const isShort = seconds < minimum
  throw new AppError({
    code: isShort ? 'window_too_short' : 'window_too_long',
    message: `${seconds} s to ${what} are ${isShort ? `less than this provider takes: ${minimum} s at least` : `more than this provider takes: ${maximum} s at most`}`,
    hint: 'Nothing was sent. --train-within and --acknowledge-within say other times',
    next: '0g-compute finetune create --help',
    exitCode: EXIT.usage,
    details: { seconds, minimum, ...(Number.isFinite(maximum) && { maximum }) },
  })
}
