import type { CommandDefinition } from './framework/definition.ts'
import { keepKey } from './wallet/keepKey.ts'
import { isOnDevnet, notePayer } from './wallet/onDevnet.ts'

export const command: CommandDefinition = {
  options: [['--name <name>', 'name of the wallet (default: default)']],
  examples: ['0g-compute wallet new', 'ZG_PASSWORD_FILE=./password 0g-compute wallet new --name work'],
  notes: 'The password comes from ZG_PASSWORD_FILE, ZG_PASSWORD or a prompt. Without it the money is lost.',
  async run(context, input) {
    const { newPrivateKey } = await import('./framework/keystore.ts')
    const wallet = await keepKey(context, input.text('name') ?? 'default', async () => newPrivateKey())
    context.out.report({ name: wallet.name, address: wallet.address, path: wallet.path }, (paint) =>
      [
        `Wallet ${paint.bold(wallet.name)}: ${wallet.address}`,
        `Kept encrypted in ${wallet.path}. Copy that file, and remember the password: nothing else opens it.`,
      ].join('\n'),
    )
    notePayer(context, wallet.name)
    context.out.next(
      isOnDevnet(context)
        ? `0g-compute devnet fund ${wallet.name}`
        : 'send 0G to this address, then 0g-compute fund 1',
    )
    return undefined
  },
}
