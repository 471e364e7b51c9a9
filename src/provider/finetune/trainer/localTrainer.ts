import { type ChildProcess, spawn } from 'node:child_process'
import { chown, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { AppError } from '../../../base/errors.ts'
import { jobEnvironment } from './jobEnvironment.ts'
import { findSandbox, type Sandbox } from './sandbox.ts'
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

export interface LocalTrainerOptions {
  /** Python with the trainer's packages. */
  readonly python: string
  /** Folders that jobs must not see. */
  readonly hide: readonly string[]
  /** Folders that jobs read: base models, converters. */
  readonly readable: readonly string[]
}

/** What has to work inside the sandbox: the packages are found, and every folder can be read. */
const PROBE = [
  'import importlib.util, os, sys, zg_trainer',
  'missing = [name for name in ("torch", "transformers", "peft") if importlib.util.find_spec(name) is None]',
  '[os.listdir(folder) for folder in sys.argv[1:]]',
  'sys.exit(len(missing))',
].join('\n')
/** Time for a checkpoint when a job is asked to end, ms. */
const GRACE_MS = 30_000

/**
 * Runs each job in a child process of its own, in the strictest sandbox that this machine allows.
 * @throws AppError `trainer_missing` when Python does not have the packages
 */
export async function openLocalTrainer(options: LocalTrainerOptions): Promise<Trainer> {
  const { python, hide, readable } = options
  const probe = ['env', `PYTHONPATH=${TRAINER_SOURCE}`, python, '-c', PROBE, ...readable]
  const sandbox = await findSandbox({ probe, hide })
  if (sandbox.level === 'process') await assertWorks(python)
  return {
    kind: 'local',
    isolation: sandbox.measures,
    prepareFolder: (folder) => handOver(folder, sandbox),
    start: async (job) => begin(job, python, sandbox),
  }
}

/** The job's folder, and what the broker put there, become the job's own. */
async function handOver(folder: string, { uid }: Sandbox): Promise<void> {
  await mkdir(join(folder, 'tmp'), { recursive: true, mode: 0o700 })
  if (uid === null) return
  await chown(folder, uid, uid)
  for (const name of await readdir(folder)) await chown(join(folder, name), uid, uid)
}

function begin(job: TrainerJob, python: string, sandbox: Sandbox): TrainerRun {
  const [file, ...args] = sandbox.wrap([
    ...[python, '-m', 'zg_trainer', 'run', '--attended'],
    ...['--config', join(job.folder, JOB_FILE), '--output', join(job.folder, OUTPUT_FOLDER)],
  ])
  const child = spawn(file!, args, {
    cwd: job.folder,
    env: jobEnvironment(process.env, job.folder, TRAINER_SOURCE, job.gpus),
    // Its end of stdin closes when this process is gone, whatever became of it, and the job ends then.
    stdio: ['pipe', 'pipe', 'ignore'],
    // A group of its own, so that a signal reaches all of it and Ctrl-C none.
    detached: true,
  })
  child.stdin.on('error', () => {})
  const exited = exitOf(child)
  return { events: eventsOf(child, exited), exited, stop: () => end(child, exited) }
}

async function* eventsOf(child: ChildProcess, exited: Promise<TrainerExit>): AsyncGenerator<TrainerEvent> {
  let isOver = false
  try {
    for await (const line of createInterface({ input: child.stdout!, crlfDelay: Infinity })) {
      const event = parseEvent(line)
      if (event) yield event
    }
    isOver = true
  } finally {
    // Whoever reads no further begins the job again, and two runs would write into one folder.
    if (!isOver) await end(child, exited)
  }
}

const exitOf = (child: ChildProcess): Promise<TrainerExit> =>
  new Promise((resolve) => {
    child.once('error', () => resolve({ code: 1, signal: null }))
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })

async function end(child: ChildProcess, exited: Promise<TrainerExit>): Promise<void> {
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS)
  signalGroup(child, 'SIGTERM')
  await exited
  clearTimeout(timer)
}

function signalGroup({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It has just ended.
  }
}

async function assertWorks(python: string): Promise<void> {
  const child = spawn(python, ['-c', PROBE], {
    env: { ...process.env, PYTHONPATH: TRAINER_SOURCE },
    stdio: 'ignore',
  })
  const { code } = await exitOf(child)
  if (code === 0) return
  throw new AppError({
    code: 'trainer_missing',
    message: `${python} does not have the packages that training takes`,
    hint: 'provider init --finetune installs them into a folder of its own',
    next: '0g-compute provider init --finetune',
  })
}
