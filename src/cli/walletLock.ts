import type { CommandDefinition } from './framework/definition.ts'
import { endAgent } from './wallet/agent.ts'

export const command: CommandDefinition = {
  args: [['[name]', 'of the wallet (default: all)']],
  examples: ['0g-compute wallet lock', '0g-compute wallet lock work'],
  notes: 'Ends what wallet unlock started: commands ask for the password again.',
  async run({ out, wallets }, input) {
    const name = input.argument(0)
    const names = name === undefined ? wallets.names() : [wallets.read(name).name]
    const locked: string[] = []
    for (const one of names) if (await endAgent(wallets.agentPath(one))) locked.push(one)
    out.report({ locked }, () =>
      locked.length > 0 ? `Locked: ${locked.join(', ')}.` : 'No wallet was unlocked.',
    )
    return undefined
  },
}
