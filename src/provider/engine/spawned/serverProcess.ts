import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../../base/errors.ts'
import { findProgram, tiedCommand } from '../../../base/tiedCommand.ts'
import { childEnvironment } from '../embedded/childEnvironment.ts'

/** A program that serves HTTP. */
export interface ServerCommand {
  /** A name on the PATH, or a path. */
  readonly program: string
  readonly args: readonly string[]
  /** Beside what every engine gets of the broker's environment. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** What installs it, for the error when it is missing. */
  readonly install: string
}

export interface ServerProcess {
  readonly pid: number
  /** Resolves when the process is gone, for whatever reason. */
  readonly exited: Promise<void>
  stop(): Promise<void>
}

/** Large models load for a long time. */
const START_TIMEOUT_MS = 30 * 60 * 1000
const POLL_MS = 250
const STOP_GRACE_MS = 10_000
const OUTPUT_KEPT = 2000

/**
 * Starts a server and resolves when `isReady` says so. What it prints is kept in memory until then, for the error
 * when it fails, and afterwards thrown away: it could quote prompts. It leads a process group of its own, has no core
 * dumps, and dies with the broker where the system can see to that.
 * @param signal ends it while it starts
 * @throws AppError `engine_missing`, `engine_failed`
 */
export async function startServer(
  command: ServerCommand,
  isReady: () => Promise<boolean>,
  signal?: AbortSignal,
): Promise<ServerProcess> {
  const { file, args } = wrapped(command)
  const child = spawn(file, args, {
    env: { ...childEnvironment(process.env), ...command.env },
    ...(command.cwd && { cwd: command.cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const output = keepTail(child)
  let isGone = false
  void exited.then(() => {
    isGone = true
  })
  for (const until = Date.now() + START_TIMEOUT_MS; !(await isReady()); await delay(POLL_MS)) {
    if (isGone)
      throw failed(command, `it ended with ${child.signalCode ?? `code ${child.exitCode}`}`, output.read())
    if (Date.now() < until && !signal?.aborted) continue
    await stop(child, exited)
    if (signal?.aborted) throw failed(command, 'it was stopped', '')
    throw failed(command, `it did not answer in ${START_TIMEOUT_MS / 60_000} minutes`, output.read())
  }
  output.discard()
  return { pid: child.pid ?? 0, exited, stop: () => stop(child, exited) }
}

/** @throws AppError `engine_missing` */
function wrapped({ program, args, install }: ServerCommand): { file: string; args: string[] } {
  const path = findProgram(program)
  if (!path) throw missing(program, install)
  return tiedCommand(path, args)
}

function keepTail(child: ChildProcess): { read(): string; discard(): void } {
  let tail = ''
  const keep = (chunk: Buffer): void => {
    tail = (tail + chunk.toString('utf8')).slice(-OUTPUT_KEPT)
  }
  const streams = [child.stdout, child.stderr]
  for (const stream of streams) stream?.on('data', keep)
  return {
    read: () => tail.trim(),
    discard() {
      for (const stream of streams) stream?.off('data', keep).resume()
      tail = ''
    },
  }
}

/** The group and not the process alone: vLLM has workers. */
async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  signalGroup(child.pid, 'SIGTERM')
  const timer = setTimeout(() => signalGroup(child.pid as number, 'SIGKILL'), STOP_GRACE_MS)
  await exited
  clearTimeout(timer)
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // It is gone.
  }
}

const failed = ({ program }: ServerCommand, reason: string, output: string): AppError =>
  new AppError({
    code: 'engine_failed',
    message: `The engine ${program} did not start: ${reason}. ${output}`.trim(),
    hint: 'Check that the machine has memory for the model, and that the engine supports it',
  })

const missing = (program: string, install: string): AppError =>
  new AppError({
    code: 'engine_missing',
    message: `There is no program ${program} on this machine`,
    hint: 'Install it, or name it with engine.program in the configuration',
    next: install,
  })
