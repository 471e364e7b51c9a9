import { getAddress } from 'ethers'
import { AppError, EXIT } from '../base/errors.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { parseDuration } from './framework/duration.ts'
import { password } from './framework/findKey.ts'
import { decryptKey } from './framework/keystore.ts'
import { startAgent } from './wallet/agent.ts'

const DEFAULT_TIME = '15m'

export const command: CommandDefinition = {
  args: [['[name]', 'of the wallet (default: the one in use)']],
  options: [['--for <time>', `until it is locked again, as 30s, 15m or 8h (default: ${DEFAULT_TIME})`]],
  examples: ['0g-compute wallet unlock', '0g-compute wallet unlock work --for 8h'],
  notes: `Asks for the password once: a process in the background holds the key, and hands it to commands of yours until
the time is over or you lock it. Whoever runs programs as you can use it as long.`,
  async run(context, input) {
    const { out, wallets, env } = context
    const name = input.argument(0) ?? (await context.key()).wallet
    if (name === undefined) throw noWallet()
    const time = parseDuration(input.text('for') ?? DEFAULT_TIME)
    const { address: digits, json } = wallets.read(name, (known) => `0g-compute wallet unlock ${known}`)
    const key = await decryptKey(
      json,
      await password(env, (text) => out.warn(text), `Password of wallet "${name}"`),
    )
    const until = Date.now() + time
    await startAgent({ path: wallets.agentPath(name), key, until })
    const address = getAddress(digits)
    const when = new Date(until).toISOString()
    out.report({ wallet: name, address, until: when }, () => `Wallet ${name} is unlocked until ${when}.`)
    out.next(`0g-compute wallet lock ${name}`)
    return undefined
  },
}

const noWallet = (): AppError =>
  new AppError({
    code: 'usage',
    message: 'No wallet is in use that has a password',
    hint: 'Name the wallet. Nothing was unlocked',
    next: '0g-compute wallet show',
    exitCode: EXIT.usage,
  })
