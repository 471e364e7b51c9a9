import { setTimeout as sleep } from 'node:timers/promises'
import { Wallet } from 'ethers'
import { AppError, EXIT } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import { format0G } from '../base/units.ts'
import { chainTimeSeconds } from '../chain/clock.ts'
import { connect, type RpcProvider } from '../chain/rpc.ts'
import { type Desk, desksOf, type LeaveHooks, type Left, leave } from '../provider/leave.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { aboutBroker, alike } from './provider/aboutBroker.ts'
import { assertSettled } from './provider/assertSettled.ts'
import { duration } from './provider/duration.ts'
import { providerKey } from './provider/providerKey.ts'
import { providerSettings } from './provider/settings.ts'

/** Between looks at the chain's time, at most. */
const POLL_MS = 30_000

export const command: CommandDefinition = aboutBroker({
  options: [
    ['--wait', 'wait until the stake can be taken, and take it'],
    ['--force', 'although a broker runs, something is owed, or there is no ledger to look into'],
  ],
  examples: ['0g-compute provider leave', '0g-compute provider leave --wait'],
  notes: `Removes the services of this provider, inference and fine-tuning, and takes their stakes back. On the contracts of
this project a stake waits one lock time, in which receipts can still be disputed: run it again then, or say
--wait. On the deployed contracts it comes back at once. Stop the broker first with provider stop --settle-all:
without the service, what users owe may never be settled. provider serve registers again, and keeps a stake that
waits. Exit 11: removed, and a stake still waits.`,
  async run(outer, input) {
    const { context, dataDir, database } = providerSettings(outer, input)
    const { out } = context
    const key = await providerKey(context)
    const rpc = await connect(context.network)
    context.onClose(() => rpc.destroy())
    const desks = await desksOf(context.network, rpc, key.address)
    if (desks.length === 0) throw nothingHere(key.address, context.network.name)
    const isServing = desks.some(({ url }) => url !== null)
    if (isServing && !input.flag('force')) await assertSettled(dataDir, database)
    for (const desk of desks) out.note(whatComes(desk))
    const operator = new Wallet(await key.unlock(), rpc)
    const approve: LeaveHooks['approve'] = ({ title, maxGasCost }) =>
      context.confirmSpending(`To ${title}, gas at most`, maxGasCost)
    const left: Left[] = []
    for (const desk of desks) left.push(await leave(desk, operator, { approve }))
    if (input.flag('wait') && left.some(isLeaving)) {
      const until = Math.max(...left.map(({ withdrawableAt }) => withdrawableAt))
      await waitFor(context, rpc, until)
      for (const desk of await desksOf(context.network, rpc, key.address)) {
        const at = left.findIndex(({ service }) => service === desk.name)
        left[at] = together(left[at]!, await leave(desk, operator, { approve }))
      }
    }
    out.report({ provider: key.address, services: left }, () => left.map(whatBecame).join('\n'))
    const isOver = !left.some(isLeaving)
    out.next(alike(context, input, isOver ? '0g-compute wallet show' : '0g-compute provider leave'))
    return isOver ? EXIT.ok : EXIT.incomplete
  },
})

/** Said before anything is sent. */
function whatComes({ name, url, stake, provider }: Desk): string {
  const what = url === null ? `The ${name} service is removed.` : `To be removed: ${name} at ${url}.`
  if (!stake) return `${what} Its stake comes back to ${provider} at once.`
  if (stake.amount === 0n) return `${what} No stake lies there.`
  const when =
    url === null ? `from ${at(stake.withdrawableAt)} on` : `after ${duration(stake.windowSeconds * 1000)}`
  return `${what} Its stake of ${format0G(stake.amount)} 0G comes back to ${provider} ${when}.`
}

function whatBecame({ service, state, returned, stake, withdrawableAt }: Left): string {
  const removed = `The ${service} service is removed.`
  if (state === 'left') return returned > 0n ? `${removed} ${format0G(returned)} 0G came back.` : removed
  return `${removed} Its stake of ${format0G(stake ?? 0n)} 0G can be taken from ${at(withdrawableAt)} on.`
}

const isLeaving = ({ state }: Left): boolean => state === 'leaving'

/** What was done before the wait, and after it. */
const together = (before: Left, after: Left): Left => ({
  ...after,
  returned: before.returned + after.returned,
  transactions: [...before.transactions, ...after.transactions],
})

/** @param until unix seconds, by the chain */
async function waitFor({ out, signal }: Context, rpc: RpcProvider, until: number): Promise<void> {
  const progress = await out.progress('Waiting for the stake')
  try {
    for (let ms = 1; ms > 0; ) {
      ms = Math.max(0, (until - (await chainTimeSeconds(rpc))) * 1000)
      progress.update(`The stake can be taken in ${duration(ms)}. Ctrl-C is safe: run it again`)
      await sleep(Math.min(ms, POLL_MS), undefined, { signal })
    }
  } finally {
    progress.stop()
  }
}

const at = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`

const nothingHere = (provider: Address, network: string): AppError =>
  new AppError({
    code: 'nothing_to_leave',
    message: `${provider} has neither a service nor a stake on ${network}`,
    hint: 'It may be another wallet, or another network: --wallet, --network',
    next: '0g-compute wallet show',
    exitCode: EXIT.usage,
  })
