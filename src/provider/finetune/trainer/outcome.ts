import type { Failure } from '../task.ts'
import type { TrainerEvent, TrainerExit } from './trainer.ts'

/** What a run came to. */
export type Outcome =
  | { readonly kind: 'done' }
  /** The same job may go on from its last checkpoint. */
  | { readonly kind: 'interrupted'; readonly failure: Failure }
  /** Trying again would end the same. */
  | { readonly kind: 'failed'; readonly failure: Failure }

/** Of the trainer: a checkpoint was made, run it again (EX_TEMPFAIL). */
const INTERRUPTED = 75

/** Codes of the trainer's own failures, by its exit codes. @see trainer/README.md */
const CODES: Readonly<Record<number, string>> = {
  2: 'job_refused',
  3: 'out_of_memory',
  4: 'loss_not_finite',
  5: 'train_time_exceeded',
}

/** A run counts only when its exit code, its last line and its figures all say so. */
export function outcomeOf(last: ReadonlyMap<string, TrainerEvent>, { code, signal }: TrainerExit): Outcome {
  if (code === 0) return resultOf(last.get('done'))
  const reason = reasonOf(last.get('failed'))
  if (signal !== null || code === null || code > 128)
    return interrupted('trainer_killed', `The trainer was ended from outside (${signal ?? `code ${code}`})`)
  if (code === INTERRUPTED) return interrupted('trainer_interrupted', reason ?? 'The trainer was interrupted')
  return failed(CODES[code] ?? 'trainer_failed', reason ?? `The trainer ended with code ${code}`)
}

function resultOf(done: TrainerEvent | undefined): Outcome {
  if (!done) return failed('result_missing', 'The trainer ended without a result')
  // A job that was done before its broker noticed says so without its figures: they were good, or it had failed.
  if (done.again === true) return { kind: 'done' }
  if (!Number.isFinite(done.lossFirst) || !Number.isFinite(done.lossLast))
    return failed('loss_not_finite', 'The loss is not a number: try a smaller learning rate')
  return { kind: 'done' }
}

/** The trainer's reasons name nothing of the dataset. */
const reasonOf = (event: TrainerEvent | undefined): string | null =>
  typeof event?.reason === 'string' ? event.reason.slice(0, 500) : null

const failed = (code: string, reason: string): Outcome => ({ kind: 'failed', failure: { code, reason } })

const interrupted = (code: string, reason: string): Outcome => ({
  kind: 'interrupted',
  failure: { code, reason },
})
