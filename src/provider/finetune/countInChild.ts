import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { AppError, type ErrorObject } from '../../base/errors.ts'
import { tiedCommand } from '../../base/tiedCommand.ts'
import type { CountOptions } from '../../protocol/finetune/tokens.ts'
import type { DatasetFile } from '../../storage/dataset/readRecords.ts'

/** What the process that counts is given. */
export interface CountWork {
  readonly file: DatasetFile
  /** The model's folder. */
  readonly model: string
  /** The customer's own: a program that may never end. */
  readonly chatTemplate?: string
  readonly options: CountOptions
}

/** `counting`: it comes on. */
export type CountMessage =
  | { readonly counting: true }
  | { readonly tokens: number }
  | { readonly error: ErrorObject }

export interface CountLimits {
  /** For one example, and for reading the tokenizer, ms. */
  readonly stallMs: number
  /** For all of them, ms. */
  readonly totalMs: number
  /** MiB. */
  readonly memory: number
}

const LIMITS: CountLimits = { stallMs: 30_000, totalMs: 30 * 60_000, memory: 2048 }

/**
 * Counts in a process of its own: a customer's chat template is a program. One that does not come on is ended, and
 * memory that it takes without end is its own; a thread's would end the broker.
 * @throws AppError `counting_over_limit`, those of reading datasets and of counting; the signal's reason
 */
export async function countInChild(
  work: CountWork,
  signal: AbortSignal,
  limits: CountLimits = LIMITS,
): Promise<number> {
  signal.throwIfAborted()
  const child = spawnCounter(limits.memory)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const total = setTimeout(() => reject(overLimit(`it took more than ${limits.totalMs} ms`)), limits.totalMs)
  const stall = setTimeout(
    () => reject(overLimit(`one example took more than ${limits.stallMs} ms`)),
    limits.stallMs,
  )
  child.on('message', (message: CountMessage) => {
    if ('counting' in message) stall.refresh()
    else if ('tokens' in message) resolve(message.tokens)
    else reject(new AppError(message.error))
  })
  child.on('error', reject)
  child.once('exit', () => reject(overLimit(`it ended, perhaps by taking more than ${limits.memory} MiB`)))
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  child.send(work, (error) => error && reject(error))
  try {
    return await promise
  } finally {
    for (const timer of [total, stall]) clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    child.kill('SIGKILL')
  }
}

function spawnCounter(memory: number): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const entry = fileURLToPath(new URL(`./countWorker.${extension}`, import.meta.url))
  const { file, args } = tiedCommand(process.execPath, [`--max-old-space-size=${memory}`, entry])
  // What V8 says when it runs out of memory goes nowhere.
  return spawn(file, args, {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
}

const overLimit = (what: string): AppError =>
  new AppError({
    code: 'counting_over_limit',
    message: `The tokens of the dataset could not be counted: ${what}`,
    hint: 'Nothing was paid. A chat template of your own has to end soon for each example',
    next: '0g-compute dataset validate',
    status: 400,
  })
