import { AppError, EXIT } from '../base/errors.ts'
import { format0G } from '../base/units.ts'
import type { AskedBack, WithdrawResult } from '../client/funding/withdraw.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { amountToMove, type Input } from './framework/input.ts'

/** Longer locks are not waited for unless asked. */
const PATIENCE_SECONDS = 60

export const command: CommandDefinition = {
  args: [['[amount]', 'in 0G']],
  options: [
    ['--all', 'everything, from every provider'],
    ['--wait', `wait for locked refunds, however long (default: at most ${PATIENCE_SECONDS} s)`],
  ],
  examples: [
    '0g-compute fund withdraw --all',
    '0g-compute fund withdraw 0.5 --yes',
    '0g-compute fund withdraw --all --wait',
  ],
  notes: `May be interrupted and run again: it goes on from where the chain stands.
An amount takes what is free in the ledger first, and asks providers for what is missing only. It names them and asks
you (--yes answers); it arrives in one piece, when it is unlocked.`,
  async run(context, input) {
    const { out, signal } = context
    const amount = requestedAmount(input)
    const compute = await context.compute()
    const { dim } = out.notePaint
    let progress = await out.progress('Withdrawing')
    const result = await compute
      .withdraw(
        {
          ...(amount !== undefined && { amount }),
          maxWaitSeconds: input.flag('wait') ? Number.MAX_SAFE_INTEGER : PATIENCE_SECONDS,
        },
        {
          signal,
          onRecall: async (asked) => {
            progress.stop()
            await approve(context, asked)
            progress = await out.progress('Withdrawing')
          },
          onTransaction: ({ title, maxGasCost }) =>
            out.note(`Sending: ${title} ${dim(`(gas at most ${format0G(maxGasCost)} 0G)`)}`),
          onMined: (_title, { hash }) => out.note(dim(`  mined: ${hash}`)),
          onWait: (seconds) =>
            progress.update(`Locked for ${seconds} s more. Ctrl-C is safe: run it again later`),
        },
      )
      .finally(() => progress.stop())
    const { name } = context.network
    out.report({ network: name, ...result }, () => render(result, amount, name))
    const isDone = amount === undefined ? result.pending === 0n : result.withdrawn === amount
    out.next(isDone ? '0g-compute fund status' : sameAgain(input))
    return undefined
  },
}

/** What finishes it when the locks are over. */
const sameAgain = (input: Input): string =>
  `0g-compute fund withdraw ${input.argument(0) ?? '--all'}${input.flag('wait') ? ' --wait' : ''}`

/** Money that is on its way back can pay for no answers: whose it is, and for how long, is said first. */
async function approve(context: Context, asked: readonly AskedBack[]): Promise<void> {
  for (const { provider, service, amount, lockSeconds } of asked)
    context.out.note(`${format0G(amount)} 0G come from ${provider} (${service}), locked for ${lockSeconds} s`)
  const sum = asked.reduce((total, { amount }) => total + amount, 0n)
  await context.confirmSpending(`From ${asked.length} provider${asked.length > 1 ? 's' : ''}`, sum)
}

function requestedAmount(input: Input): bigint | undefined {
  const text = input.argument(0)
  if ((text === undefined) !== input.flag('all')) {
    throw new AppError({
      code: 'usage',
      message: 'Give an amount, or --all',
      hint: 'Not both',
      next: '0g-compute fund withdraw --help',
      exitCode: EXIT.usage,
    })
  }
  return text === undefined ? undefined : amountToMove(text)
}

function render(
  { withdrawn, pending, unlocksAt }: WithdrawResult,
  amount: bigint | undefined,
  network: string,
): string {
  const when = unlocksAt === null ? null : new Date(unlocksAt * 1000).toISOString()
  if (amount !== undefined && withdrawn < amount)
    return `${format0G(amount)} 0G can be withdrawn ${when === null ? 'later' : `from ${when}`} on ${network}; run the command again then.`
  const lines = [`${format0G(withdrawn)} 0G are back in your wallet on ${network}.`]
  if (amount === undefined && pending > 0n)
    lines.push(`${format0G(pending)} 0G are locked until ${when}; run the command again then.`)
  return lines.join('\n')
}
