import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../base/errors.ts'
import { isAlive } from '../base/isAlive.ts'
import { askBroker } from '../provider/admin/adminClient.ts'
import { readAdminFile } from '../provider/admin/adminFile.ts'
import { type Owed, readOwed } from '../provider/readOwed.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import type { Input } from './framework/input.ts'
import { aboutBroker } from './provider/aboutBroker.ts'
import { howItEnded, sayWhatStays } from './provider/howItEnded.ts'
import { providerSettings } from './provider/settings.ts'

/** The broker's answer. */
interface Stopping {
  /** Neuron, as decimal text: who owes less waits. */
  readonly minimum: string
}

interface Stopped {
  readonly pid: number
  readonly owed: Owed
  /** Neuron. */
  readonly minimum: bigint
}

/** Answers in flight have 30 s; then a last settlement. */
const STOP_SECONDS = 180

export const command: CommandDefinition = aboutBroker({
  options: [
    ['--settle-all', 'before it stops, settle what is below the minimum too'],
    ['--timeout <seconds>', `how long to wait for its end (default ${STOP_SECONDS})`],
  ],
  examples: ['0g-compute provider stop', '0g-compute provider stop --settle-all'],
  notes:
    'Ends the answers in flight, settles, and stops, as Ctrl-C does where the broker was started. Who owes less than settlement.minimum is left to the next start, unless --settle-all says otherwise: bringing it to the chain may cost more gas than it is worth.',
  async run(context, input) {
    const { database, dataDir } = providerSettings(context, input)
    const { out, signal } = context
    const { pid } = readAdminFile(dataDir)
    const seconds = input.integer('timeout', 1) ?? STOP_SECONDS
    const progress = await out.progress('Stopping')
    try {
      if (input.flag('settleAll')) await askBroker(dataDir, 'POST', '/settle')
      const { minimum } = await askBroker<Stopping>(dataDir, 'POST', '/stop')
      await gone(pid, seconds * 1000, signal)
      progress.stop()
      say(context, input, { pid, owed: await readOwed(database), minimum: BigInt(minimum) })
    } finally {
      progress.stop()
    }
    return undefined
  },
})

function say(context: Context, input: Input, { pid, owed, minimum }: Stopped): void {
  context.out.report({ stopped: true, pid, owed: owed.total, owing: owed.users }, () =>
    howItEnded(owed, minimum),
  )
  sayWhatStays(context, input, owed)
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
