import { AppError, EXIT } from '../base/errors.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { notePayer } from './wallet/onDevnet.ts'

export const command: CommandDefinition = {
  args: [['<name>', 'name of the wallet']],
  examples: ['0g-compute wallet use work'],
  notes: 'On a devnet its own account pays, unless --wallet or ZG_WALLET names a wallet.',
  async run(context, input) {
    const { out, settings, wallets, flags } = context
    const name = input.required(0)
    if (flags.wallet !== undefined && flags.wallet !== name) throw twoNames(name, flags.wallet)
    const { getAddress } = await import('ethers')
    const stored = wallets.read(name, (known) => `0g-compute wallet use ${known}`)
    const address = getAddress(stored.address)
    settings.save({ wallet: name })
    out.result({ wallet: name, address }, () => `Using wallet ${name}: ${address}`)
    notePayer(context, name)
    return undefined
  },
}

const twoNames = (name: string, other: string): AppError =>
  new AppError({
    code: 'usage',
    message: `wallet use ${name} chooses for good, --wallet ${other} for one call`,
    hint: 'Leave one out. Nothing was changed',
    next: `0g-compute wallet use ${name}`,
    exitCode: EXIT.usage,
  })
