import type { CommandDefinition } from './framework/definition.ts'
import { notePayer } from './wallet/onDevnet.ts'

export const command: CommandDefinition = {
  args: [['<name>', 'name of the wallet']],
  examples: ['0g-compute wallet use work'],
  notes: 'On a devnet its own account pays, unless --wallet or ZG_WALLET names a wallet.',
  async run(context, input) {
    const { out, settings, wallets } = context
    const name = input.required(0)
    const { address } = wallets.read(name)
    settings.save({ wallet: name })
    out.result({ wallet: name, address }, () => `Using wallet ${name}: ${address}`)
    notePayer(context, name)
    return undefined
  },
}
