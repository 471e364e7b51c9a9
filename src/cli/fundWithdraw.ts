import { AppError, EXIT } from '../base/errors.ts'
import { format0G, parse0G } from '../base/units.ts'
import type { WithdrawResult } from '../client/funding/withdraw.ts'
import type { CommandDefinition } from './framework/definition.ts'
import type { Input } from './framework/input.ts'

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
    '0g-compute fund withdraw 0.5',
    '0g-compute fund withdraw --all --wait',
  ],
  notes: 'May be interrupted and run again: it goes on from where the chain stands.',
  async run(context, input) {
    const { out, signal } = context
    const amount = requestedAmount(input)
    const compute = await context.compute()
    const { dim } = out.notePaint
    const progress = await out.progress('Withdrawing')
    const result = await compute
      .withdraw(
        {
          ...(amount !== undefined && { amount }),
          maxWaitSeconds: input.flag('wait') ? Number.MAX_SAFE_INTEGER : PATIENCE_SECONDS,
        },
        {
          signal,
          onTransaction: ({ title, maxGasCost }) =>
            out.note(`Sending: ${title} ${dim(`(gas at most ${format0G(maxGasCost)} 0G)`)}`),
          onMined: (_title, { hash }) => out.note(dim(`  mined: ${hash}`)),
          onWait: (seconds) =>
            progress.update(`Locked for ${seconds} s more. Ctrl-C is safe: run it again later`),
        },
      )
      .finally(() => progress.stop())
    out.result(result, () => render(result))
    out.next(result.pending > 0n ? '0g-compute fund withdraw --all' : '0g-compute fund status')
    return undefined
  },
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
  return text === undefined ? undefined : parse0G(text)
}

function render({ withdrawn, pending, unlocksAt }: WithdrawResult): string {
  const lines = [`${format0G(withdrawn)} 0G are in your wallet.`]
  if (pending > 0n && unlocksAt !== null) {
    const when = new Date(unlocksAt * 1000).toISOString()
    lines.push(`${format0G(pending)} 0G are locked until ${when}; run the command again then.`)
  }
  return lines.join('\n')
}
