import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError, type ErrorObject } from '../../base/errors.ts'
import { endProcess, startDetached } from './processes.ts'

export interface ProviderReady {
  readonly type: 'ready'
  readonly url: string
  readonly address: string
  readonly model: string
}

/** What `provider serve` tells a parent that started it with a message channel. */
export type ProviderMessage = ProviderReady | { readonly type: 'failed'; readonly error: ErrorObject }

export interface ProviderLaunch {
  readonly dir: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

const PROGRAM = fileURLToPath(new URL('../../../bin/0g-compute.js', import.meta.url))
const START_MS = 60_000

/** Starts `provider serve` as a process of its own and waits until it serves. */
export async function startProvider(
  launch: ProviderLaunch,
): Promise<ProviderReady & { readonly pid: number }> {
  const args = [PROGRAM, 'provider', 'serve', ...launch.args]
  const log = join(launch.dir, 'provider.log')
  const child = startDetached(process.execPath, args, log, { env: launch.env, ipc: true })
  try {
    const message = await new Promise<ProviderMessage>((resolve, reject) => {
      const timer = setTimeout(() => reject(providerFailed('it was not ready within a minute')), START_MS)
      child.once('message', (value) => resolve(value as ProviderMessage))
      child.once('error', reject)
      child.once('exit', (code) => reject(providerFailed(`it ended with ${code}`)))
      child.once('message', () => clearTimeout(timer))
      child.once('exit', () => clearTimeout(timer))
    })
    if (message.type === 'failed') throw asAppError(message.error)
    child.removeAllListeners('exit')
    child.disconnect()
    child.unref()
    return { ...message, pid: child.pid! }
  } catch (error) {
    if (child.pid) await endProcess(child.pid, 2000)
    throw error
  }
}

/** Tells the parent that waits in `startProvider`, if there is one. */
export function tellParent(message: ProviderMessage): void {
  if (process.connected) process.send?.(message)
}

const asAppError = ({ code, message, hint, next, retryable }: ErrorObject): AppError =>
  new AppError({ code, message, ...(hint && { hint }), ...(next && { next }), retryable })

const providerFailed = (why: string): AppError =>
  new AppError({
    code: 'devnet_provider_failed',
    message: `The devnet's provider did not start: ${why}`,
    hint: 'Its log is provider.log in the folder of the devnet',
    next: '0g-compute devnet status',
  })
