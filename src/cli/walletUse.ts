import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['<name>', 'name of the wallet']],
  examples: ['0g-compute wallet use work'],
  async run({ out, settings, wallets }, input) {
    const name = input.required(0)
    const { address } = wallets.read(name)
    settings.save({ wallet: name })
    out.result({ wallet: name, address }, () => `Using wallet ${name}: ${address}`)
    return undefined
  },
}
