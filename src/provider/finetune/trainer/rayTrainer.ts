import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { AppError } from '../../../base/errors.ts'
import { jobEnvironment } from './jobEnvironment.ts'
import {
  JOB_FILE,
  OUTPUT_FOLDER,
  parseEvent,
  type Trainer,
  type TrainerEvent,
  type TrainerExit,
  type TrainerJob,
  type TrainerRun,
} from './trainer.ts'
import { TRAINER_SOURCE } from './trainerSource.ts'

export interface RayTrainerOptions {
  /** Of the cluster's dashboard, e.g. `http://127.0.0.1:8265`. */
  readonly address: string
  /** Python with the trainer's packages, as the cluster's machines see it. */
  readonly python: string
}

/** What the Jobs API says of a job. */
interface RayJob {
  readonly status: 'PENDING' | 'RUNNING' | 'STOPPED' | 'SUCCEEDED' | 'FAILED'
  readonly driver_exit_code?: number | null
}

const POLL_MS = 1000
const CALL_MS = 30_000
const OVER = new Set(['STOPPED', 'SUCCEEDED', 'FAILED'])

/**
 * Runs jobs on a Ray cluster that sees the same folder in memory, models and packages, through its Jobs API. The
 * cluster belongs to the provider's trusted machine: it sees datasets in plain text.
 * @see https://docs.ray.io/en/latest/cluster/running-applications/job-submission/rest.html
 * @throws AppError `ray_unreachable`
 */
export async function openRayTrainer({ address, python }: RayTrainerOptions): Promise<Trainer> {
  const api = new RayJobs(address)
  await api.version()
  return {
    kind: 'ray',
    isolation: ['a process of its own on the Ray cluster', 'no secrets in its environment'],
    prepareFolder: async (folder) => {
      await mkdir(join(folder, 'tmp'), { recursive: true })
    },
    start: (job) => begin(job, api, python),
  }
}

async function begin(job: TrainerJob, api: RayJobs, python: string): Promise<TrainerRun> {
  const id = await api.submit(job, [
    ...[python, '-m', 'zg_trainer', 'run', '--config', join(job.folder, JOB_FILE)],
    ...['--output', join(job.folder, OUTPUT_FOLDER)],
  ])
  const { promise: exited, resolve } = Promise.withResolvers<TrainerExit>()
  const stopping = new AbortController()
  return {
    events: eventsOf(api, id, stopping.signal, resolve),
    exited,
    async stop() {
      stopping.abort()
      await exited
    },
  }
}

/** What the job writes, until it has ended; one that is to be stopped is asked at each look. */
async function* eventsOf(
  api: RayJobs,
  id: string,
  stopping: AbortSignal,
  onExit: (exit: TrainerExit) => void,
): AsyncGenerator<TrainerEvent> {
  for (let read = 0; ; ) {
    if (stopping.aborted) await api.stop(id)
    const job = await api.job(id)
    const log = await api.log(id)
    const end = log.lastIndexOf('\n') + 1
    for (const line of log.slice(read, end).split('\n')) {
      const event = parseEvent(line)
      if (event) yield event
    }
    read = Math.max(read, end)
    if (OVER.has(job.status)) return onExit(exitOf(job))
    await sleep(POLL_MS)
  }
}

function exitOf({ status, driver_exit_code: code }: RayJob): TrainerExit {
  if (status === 'SUCCEEDED') return { code: 0, signal: null }
  if (status === 'STOPPED') return { code: null, signal: 'SIGTERM' }
  return { code: code ?? 1, signal: null }
}

class RayJobs {
  readonly #base: string

  constructor(address: string) {
    this.#base = address.replace(/\/+$/, '')
  }

  async version(): Promise<void> {
    await this.#call('GET', '/api/version')
  }

  /**
   * Submits a job, or finds the one that runs: its name is the task's, and the number of earlier runs that ended.
   * @returns its name in the cluster
   */
  async submit(job: TrainerJob, command: readonly string[]): Promise<string> {
    for (let run = 0; ; run++) {
      const id = `0g-finetune-${job.id}-${run}`
      const known = await this.#find(id)
      if (known && !OVER.has(known.status)) return id
      if (known?.status === 'SUCCEEDED') return id
      if (known) continue
      await this.#call('POST', '/api/jobs/', {
        submission_id: id,
        entrypoint: command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' '),
        ...(job.gpus.length > 0 && { entrypoint_num_gpus: job.gpus.length }),
        runtime_env: { env_vars: rayEnvironment(job) },
      })
      return id
    }
  }

  async job(id: string): Promise<RayJob> {
    return (await this.#call('GET', `/api/jobs/${id}`)) as RayJob
  }

  async log(id: string): Promise<string> {
    const { logs } = (await this.#call('GET', `/api/jobs/${id}/logs`)) as { logs?: string }
    return logs ?? ''
  }

  async stop(id: string): Promise<void> {
    await this.#call('POST', `/api/jobs/${id}/stop`)
  }

  async #find(id: string): Promise<RayJob | null> {
    try {
      return await this.job(id)
    } catch (error) {
      if (error instanceof AppError && error.details?.status === 404) return null
      throw error
    }
  }

  /** Not by `fetch`, whose headers make Ray take it for a browser, which it answers 405. */
  async #call(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const { statusCode, body: answer } = await request(`${this.#base}${path}`, {
      method,
      headersTimeout: CALL_MS,
      bodyTimeout: CALL_MS,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw unreachable(this.#base, error)
    })
    const text = await answer.text()
    if (statusCode >= 300) throw refused(path, statusCode)
    return JSON.parse(text)
  }
}

/** Ray sets what concerns GPUs and programs itself. */
function rayEnvironment({ folder }: TrainerJob): Record<string, string> {
  const {
    PATH: _path,
    CUDA_VISIBLE_DEVICES: _gpus,
    LD_LIBRARY_PATH: _libraries,
    ...ours
  } = jobEnvironment({}, folder, TRAINER_SOURCE, [])
  return ours
}

const unreachable = (address: string, cause: unknown): AppError =>
  new AppError({
    code: 'ray_unreachable',
    message: `No Ray cluster answers at ${address}`,
    hint: 'It is the address of the dashboard, for example http://127.0.0.1:8265',
    next: '0g-compute provider check',
    retryable: true,
    cause,
  })

const refused = (path: string, status: number): AppError =>
  new AppError({
    code: 'ray_refused',
    message: `The Ray cluster answers ${path} with ${status}`,
    hint: 'It has to be a release with the Jobs API (2.x)',
    retryable: status >= 500,
    details: { status },
  })
