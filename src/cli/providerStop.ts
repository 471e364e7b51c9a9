import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../base/errors.ts'
import { isAlive } from '../base/isAlive.ts'
import { askBroker } from '../provider/admin/adminClient.ts'
import { readAdminFile } from '../provider/admin/adminFile.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { providerSettings, SETTINGS_OPTIONS } from './provider/settings.ts'

/** Answers in flight have 30 s; then a last settlement. */
const STOP_SECONDS = 180

export const command: CommandDefinition = {
  options: [
    ['--timeout <seconds>', `how long to wait for its end (default ${STOP_SECONDS})`],
    ...SETTINGS_OPTIONS,
  ],
  examples: ['0g-compute provider stop', '0g-compute provider stop --timeout 600'],
  notes: 'Ends the answers in flight, settles, and stops, as Ctrl-C does where the broker was started.',
  async run(context, input) {
    const { dataDir } = providerSettings(context, input)
    const { out, signal } = context
    const { pid } = readAdminFile(dataDir)
    const seconds = input.integer('timeout', 1) ?? STOP_SECONDS
    const progress = await out.progress('Stopping')
    try {
      await askBroker(dataDir, 'POST', '/stop')
      await gone(pid, seconds * 1000, signal)
    } finally {
      progress.stop()
    }
    out.result({ stopped: true, pid }, () => 'The broker has settled and stopped.')
    return undefined
  },
}

async function gone(pid: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
  for (const until = Date.now() + timeoutMs; isAlive(pid); await sleep(100, undefined, { signal })) {
    if (Date.now() > until) throw stillRunning(pid)
  }
}

const stillRunning = (pid: number): AppError =>
  new AppError({
    code: 'provider_still_running',
    message: `Process ${pid} has not ended yet`,
    hint: 'It waits for answers in flight, or for the chain. What is owed is in its ledger, whatever becomes of it',
    next: '0g-compute provider status',
    retryable: true,
  })
