/** A line of the trainer's progress. @see trainer/README.md */
export interface TrainerEvent {
  readonly event: string
  readonly [field: string]: unknown
}

/** A job that lies ready in a folder in memory. */
export interface TrainerJob {
  /** The task's uuid. */
  readonly id: string
  /** Holds `job.json`, the dataset and `output/`. */
  readonly folder: string
  /** Those that it may use; one process trains on each. */
  readonly gpus: readonly number[]
}

export interface TrainerExit {
  readonly code: number | null
  readonly signal: string | null
}

/** A run of the trainer that was begun. */
export interface TrainerRun {
  /** Ends when the run has. Who reads no further ends a local run; one on a cluster is found again by its name. */
  readonly events: AsyncIterable<TrainerEvent>
  readonly exited: Promise<TrainerExit>
  /** Asks for a checkpoint and the end, for as long as the events are read; resolves when nothing of the run is left. */
  stop(): Promise<void>
}

/** Where jobs run. A run that ended early goes on from its last checkpoint when it is started again. */
export interface Trainer {
  readonly kind: 'local' | 'ray'
  /** How jobs are kept from everything else, for people. */
  readonly isolation: readonly string[]
  /** Hands a folder over to whoever runs the jobs. */
  prepareFolder(folder: string): Promise<void>
  /** @throws AppError `trainer_missing`, `ray_unreachable`, `ray_refused` */
  start(job: TrainerJob): Promise<TrainerRun>
}

export const JOB_FILE = 'job.json'
export const OUTPUT_FOLDER = 'output'

/** The event in a line, or null for a line that is none. */
export function parseEvent(line: string): TrainerEvent | null {
  if (!line.startsWith('{')) return null
  try {
    const value = JSON.parse(line) as TrainerEvent
    return typeof value.event === 'string' && /^[a-z]{1,20}$/.test(value.event) ? value : null
  } catch {
    return null
  }
}
