import { AppError, EXIT } from '../base/errors.ts'
import { sameAddress } from '../base/hex.ts'
import { format0G } from '../base/units.ts'
import { type Contradiction, contradictionOf, readReceipts } from '../client/receipts/contradiction.ts'
import type { DisputeOutlook, DisputeResult } from '../client/receipts/dispute.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import type { Input } from './framework/input.ts'
import { readInputFile } from './framework/readInput.ts'

export const command: CommandDefinition = {
  args: [
    ['<file>', 'a dispute that receipts audit prepared, or a receipt'],
    ['[other]', 'another receipt with the same number'],
  ],
  options: [['--wait', 'wait for the end of the claim window, and collect']],
  examples: [
    '0g-compute receipts dispute dispute.json --wait',
    '0g-compute receipts dispute one.json other.json',
  ],
  notes: `A claim freezes the provider's stake and ends its signer. When the window is over, what was taken beyond the
receipt comes back (all claims together: at most half of the stake), payers who are named and did not send the
claim share 5 % of the stake, and the rest is burned. Run it again at any time: it goes on from where it stands.
Exit 11: claimed, and the window is still open.`,
  async run(context, input) {
    const { out, signal } = context
    const contradiction = contradictionIn(context, input)
    const compute = await context.compute()
    const { dim } = out.notePaint
    const progress = await out.progress('Looking at the stake')
    let isShown = false
    const result = await compute
      .dispute(
        contradiction,
        { wait: input.flag('wait') },
        {
          signal,
          approve: async ({ title, maxGasCost }, outlook) => {
            progress.stop()
            if (!isShown) out.note(describeOutlook(outlook))
            isShown = true
            await context.confirmSpending(`To ${title}, gas at most`, maxGasCost)
            return true
          },
          onTransaction: ({ title, maxGasCost }) =>
            out.note(`Sending: ${title} ${dim(`(gas at most ${format0G(maxGasCost)} 0G)`)}`),
          onWait: (seconds) =>
            progress.update(`The window ends in ${seconds} s. Ctrl-C is safe: run it again`),
        },
      )
      .finally(() => progress.stop())
    out.report({ ...result, windowEndsAt: timeOf(result) }, () => render(result))
    if (result.state === 'paid') out.next('0g-compute wallet show')
    else out.next(`0g-compute receipts dispute ${[input.required(0), input.argument(1)].join(' ').trim()}`)
    return result.state === 'paid' ? EXIT.ok : EXIT.incomplete
  },
}

/** @throws AppError `evidence_malformed` (exit 30), `dispute_unfounded`, `evidence_other_network` */
function contradictionIn({ network }: Context, input: Input): Contradiction {
  const paths = [input.required(0), input.argument(1)].filter((path) => path !== undefined)
  const receipts = paths.flatMap((path) => readReceipts(readInputFile(path).toString('utf8')))
  const contradiction = receipts.length <= 2 ? contradictionOf(receipts) : null
  if (!contradiction) throw unfounded()
  const { chainId, contract } = contradiction
  if (chainId === network.chainId && sameAddress(contract, network.inference)) return contradiction
  throw new AppError({
    code: 'evidence_other_network',
    message: `The receipts are from chain ${chainId}, contract ${contract}`,
    hint: 'Choose the network that they are from with --network',
    next: '0g-compute network list',
    exitCode: EXIT.usage,
  })
}

function describeOutlook({ stake, windowSeconds, overcharge, expected }: DisputeOutlook): string {
  return [
    `Stake ${format0G(stake)} 0G; it is frozen for ${windowSeconds} s, then it pays.`,
    ...(overcharge > 0n ? [`Taken beyond the receipt: ${format0G(overcharge)} 0G`] : []),
    ...expected.map(({ user, amount }) => `  ${user} gets ${format0G(amount)} 0G unless others claim too`),
  ].join('\n')
}

function render(result: DisputeResult): string {
  const { state, outlook, collected, burned } = result
  if (state === 'claimed') {
    const coming = outlook.expected.map(({ user, amount }) => `${format0G(amount)} 0G to ${user}`)
    return `Claimed. The stake is frozen until ${timeOf(result)}; then: ${coming.join(', ')}, unless others claim too.`
  }
  return [
    ...collected.map(({ user, amount }) => `${user} was paid ${format0G(amount)} 0G`),
    `Burned: ${format0G(burned)} 0G`,
  ].join('\n')
}

const timeOf = ({ windowEndsAt }: DisputeResult): string | null =>
  windowEndsAt === 0 ? null : new Date(windowEndsAt * 1000).toISOString()

const unfounded = (): AppError =>
  new AppError({
    code: 'dispute_unfounded',
    message: 'These receipts do not contradict each other',
    hint: 'A proof is two different receipts with one number, signed by one key for one contract',
    next: '0g-compute receipts audit',
  })
