import { AppError, EXIT } from '../base/errors.ts'
import type { PreparedTransaction } from '../chain/transaction.ts'
import { chooseProvider } from './framework/chooseProvider.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['[name]', 'the key']],
  options: [
    ['--all', 'every key and session at the provider, those made elsewhere too'],
    ['--provider <address>', 'with --all: whose keys (default: the cheapest provider)'],
  ],
  examples: [
    '0g-compute keys revoke my-app',
    '0g-compute keys revoke --all --provider 0xf07240Efa67755B5311bc75784a061eDB47165Dd',
  ],
  notes: 'One transaction: a broker that follows the chain refuses the key from the next block on.',
  async run(context, input) {
    const { out } = context
    const name = input.argument(0)
    if ((name === undefined) !== input.flag('all')) throw oneOfBoth()
    const compute = await context.compute()
    const hooks = {
      onTransaction: async ({ title, maxGasCost }: PreparedTransaction) => {
        await context.confirmSpending(`To ${title}, gas at most`, maxGasCost)
        out.note(`Sending: ${title}`)
      },
    }
    const receipt =
      name === undefined
        ? await compute.keys.revokeAll(await chooseProvider(context, input, compute), hooks)
        : await compute.keys.revoke(name, hooks)
    const revoked = name ?? 'all'
    out.report({ revoked, txHash: receipt.hash, gasCost: receipt.fee, block: receipt.blockNumber }, () =>
      name === undefined ? 'All keys of that provider are revoked.' : `The key "${name}" is revoked.`,
    )
    out.next('0g-compute keys list --all')
    return undefined
  },
}

const oneOfBoth = (): AppError =>
  new AppError({
    code: 'usage',
    message: 'Give the name of a key, or --all',
    hint: 'Not both',
    next: '0g-compute keys list',
    exitCode: EXIT.usage,
  })
