import { getAddress } from 'ethers'
import { format0G } from '../base/units.ts'
import type { EscrowStatus } from '../client/funding/escrows.ts'
import type { FundStatus, SubAccountStatus } from '../client/funding/fundStatus.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  options: [['--no-ask', 'read the chain only: no password is needed']],
  examples: ['0g-compute fund status', '0g-compute fund status --json'],
  async run(context, input) {
    const { out } = context
    const compute = await context.compute()
    const progress = await out.progress('Looking everywhere')
    const status = await compute
      .fundStatus({ askProviders: input.flag('ask') })
      .finally(() => progress.stop())
    out.report(status, (paint) => render(status, context.network.name, paint.bold))
    out.next(nextStep(status))
    return undefined
  },
}

function render(status: FundStatus, network: string, bold: (text: string) => string): string {
  const total = status.wallet + status.deposited + status.inEscrow
  return [
    `${bold(`${format0G(total)} 0G`)} of ${getAddress(status.user)} on ${network}`,
    `  wallet                 ${format0G(status.wallet)} 0G`,
    `  ledger, available      ${format0G(status.available)} 0G`,
    ...status.subAccounts.flatMap(renderAccount),
    ...status.escrows.flatMap((escrow) => renderEscrow(escrow, status.chainTime)),
    ...(status.elsewhere !== 0n ? [`  at services unknown here  ${format0G(status.elsewhere)} 0G`] : []),
  ].join('\n')
}

function renderAccount(account: SubAccountStatus): string[] {
  const { unsettled } = account
  return [
    `  at ${account.provider} (${account.service})`,
    `    free                 ${format0G(account.free)} 0G`,
    ...(unsettled === null ? [] : [`    of it owed           ${format0G(unsettled)} 0G`]),
    ...account.refunds.flatMap(({ amount, secondsLeft, unlocksAt }) => [
      `    on its way back      ${format0G(amount)} 0G,`,
      `                         ${secondsLeft === 0 ? 'can be collected now' : `locked for ${secondsLeft} s, until ${utc(unlocksAt)}`}`,
    ]),
  ]
}

/** What a task's state waits for. */
const AWAITED: Readonly<Record<string, string>> = {
  Open: 'to be delivered by',
  Delivered: 'yours to accept or reject until',
  Accepted: 'its key is due by',
}

function renderEscrow(
  { provider, task, order, amount, state, deadline, refundableFrom }: EscrowStatus,
  chainTime: number,
): string[] {
  return [
    `  in escrow at ${provider}`,
    `    task                 ${task ?? order.slice(0, 10)}`,
    `    fee at most          ${format0G(amount)} 0G,`,
    `                         ${refundableFrom <= chainTime ? 'can be returned now' : `${AWAITED[state]} ${utc(deadline)}`}`,
  ]
}

const utc = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`

function nextStep({ deposited, subAccounts, escrows, chainTime }: FundStatus): string {
  const due = escrows.find(({ task, refundableFrom }) => task !== null && refundableFrom <= chainTime)
  if (due) return `0g-compute finetune cancel ${due.task}`
  if (deposited === 0n) return '0g-compute fund 1'
  const collectable = subAccounts.some(({ refunds }) => refunds.some(({ secondsLeft }) => secondsLeft === 0))
  return collectable ? '0g-compute fund withdraw --all' : '0g-compute infer "…"'
}
