import { type ChildProcess, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from '../../base/isAlive.ts'

/** Starts a program that outlives this one, writing to a log file. */
export function startDetached(
  file: string,
  args: readonly string[],
  logFile: string,
  options: { readonly env?: NodeJS.ProcessEnv; readonly ipc?: boolean } = {},
): ChildProcess {
  const log = openSync(logFile, 'a', 0o600)
  return spawn(file, args, {
    detached: true,
    stdio: ['ignore', log, log, ...(options.ipc ? (['ipc'] as const) : [])],
    env: { ...process.env, ...options.env },
  })
}

/** Asks a process to end and waits; one that does not is killed. */
export async function endProcess(pid: number, graceMs: number): Promise<void> {
  if (!isAlive(pid)) return
  process.kill(pid, 'SIGTERM')
  if (await isGone(pid, graceMs)) return
  process.kill(pid, 'SIGKILL')
  await isGone(pid, 5000)
}

async function isGone(pid: number, withinMs: number): Promise<boolean> {
  const until = Date.now() + withinMs
  while (Date.now() < until) {
    if (!isAlive(pid)) return true
    await sleep(50)
  }
  return !isAlive(pid)
}
