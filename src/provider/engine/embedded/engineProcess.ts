import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../../base/errors.ts'
import { tiedCommand } from '../../../base/tiedCommand.ts'
import type { EngineModelKind } from '../engine.ts'
import { childEnvironment } from './childEnvironment.ts'
import type { ChildMessage, LoadMessage, StopMessage } from './messages.ts'

export type LoadOptions = Omit<LoadMessage, 'type' | 'bearer'>

/** A running engine child that answered. */
export interface EngineProcess {
  readonly pid: number
  readonly baseUrl: string
  readonly bearer: string
  readonly contextLength: number
  readonly kinds: readonly EngineModelKind[]
  /** Resolves when the process is gone, for whatever reason. */
  readonly exited: Promise<void>
  stop(): Promise<void>
}

const STOP_GRACE = 2_000
const START_TIMEOUT = 600_000
const STDERR_KEPT = 2_000

/**
 * Starts the child, hands it what to load, and resolves when it listens.
 *
 * @throws AppError `engine_missing`, `model_invalid`, `engine_memory`, `engine_failed`
 */
export async function startEngineProcess(options: LoadOptions): Promise<EngineProcess> {
  const child = spawnChild()
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const bearer = randomBytes(32).toString('hex')
  const load: LoadMessage = { type: 'load', bearer, ...options }
  try {
    const ready = await readyOf(child, load)
    const { port, contextLength, kinds } = ready
    const stop = (): Promise<void> => stopChild(child, exited)
    return {
      pid: child.pid ?? 0,
      baseUrl: `http://127.0.0.1:${port}/v1`,
      bearer,
      contextLength,
      kinds,
      exited,
      stop,
    }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

function spawnChild(): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const entry = fileURLToPath(new URL(`./child/main.${extension}`, import.meta.url))
  const { file, args } = tiedCommand(process.execPath, [entry])
  return spawn(file, args, {
    env: childEnvironment(process.env),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    windowsHide: true,
  })
}

async function readyOf(child: ChildProcess, load: LoadMessage): Promise<ChildMessage & { type: 'ready' }> {
  const stderr = keepTail(child)
  const message = await new Promise<ChildMessage>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(failed(`it did not start in ${START_TIMEOUT / 1000} s`)),
      START_TIMEOUT,
    )
    const settle =
      (act: () => void): (() => void) =>
      () => {
        clearTimeout(timer)
        act()
      }
    child.once('message', (received) => settle(() => resolve(received as ChildMessage))())
    child.once('error', (error) => settle(() => reject(failed(error.message)))())
    child.once('exit', (code, signal) =>
      settle(() => reject(failed(`it ended with ${signal ?? `code ${code}`}. ${stderr.read()}`.trim())))(),
    )
    child.send(load, (error) => {
      if (error !== null) settle(() => reject(failed(error.message)))()
    })
  })
  stderr.discard()
  if (message.type === 'failed') throw startError(message.code, message.message, load.modelPath)
  return message
}

/** Keeps the end of what the child wrote before it served anything; afterwards all of it is thrown away. */
function keepTail(child: ChildProcess): { read(): string; discard(): void } {
  let tail = ''
  const keep = (chunk: Buffer): void => {
    tail = (tail + chunk.toString('utf8')).slice(-STDERR_KEPT)
  }
  child.stderr?.on('data', keep)
  return {
    read: () => tail.trim(),
    discard: () => {
      child.stderr?.off('data', keep)
      child.stderr?.resume()
      tail = ''
    },
  }
}

/** The child ends itself on `stop`, and when the channel closes; one that does not is killed by its own pid. */
async function stopChild(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const message: StopMessage = { type: 'stop' }
  if (child.connected) child.send(message, () => undefined)
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE)
  await exited
  clearTimeout(timer)
}

function failed(reason: string): AppError {
  return startError('engine_failed', `The engine did not start: ${reason}`, undefined)
}

const HINTS: Readonly<Record<string, { hint: string; next?: string }>> = {
  engine_missing: {
    hint: 'The embedded engine runs on llama.cpp, which is installed only where it is used. Or attach another server with --engine url --target <url>.',
    next: 'npm install node-llama-cpp',
  },
  model_invalid: {
    hint: 'The file may be truncated or of an architecture that this llama.cpp does not know. Download or convert it again and compare its SHA-256.',
  },
  engine_memory: {
    hint: 'Use a smaller model or quantisation, a shorter context, or fewer parallel requests.',
  },
  engine_failed: {
    hint: 'Check that the machine has memory for the model, and that node-llama-cpp supports it.',
  },
}

function startError(code: string, message: string, modelPath: string | undefined): AppError {
  return new AppError({
    code,
    message,
    ...HINTS[code],
    ...(modelPath !== undefined && { details: { modelPath } }),
  })
}
