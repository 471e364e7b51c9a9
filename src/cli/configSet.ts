import { resolve } from 'node:path'
import { AppError, EXIT } from '../base/errors.ts'
import { parse0G } from '../base/units.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { DEVNET_WALLET } from './framework/findKey.ts'
import { asAddress } from './framework/input.ts'
import { asRpcUrl } from './framework/rpcUrl.ts'
import { assertNetworkKnown } from './framework/selectNetwork.ts'
import { asSettingName, type SettingName } from './framework/settings.ts'
import { readPolicy, takesIncomplete } from './framework/verification.ts'

export const command: CommandDefinition = {
  args: [
    ['<name>', 'one of those that config list shows'],
    ['[value]', 'empty takes the setting away'],
  ],
  examples: ['0g-compute config set max-cost 0.01', '0g-compute config set model'],
  async run(context, input) {
    const { out, settings } = context
    const name = asSettingName(input.required(0))
    const given = input.argument(1)
    const value = given ? usable(context, name, given) : undefined
    settings.save({ [name]: value })
    out.result({ name, value: value ?? null }, () => (value ? `${name} is ${value}` : `${name} is not set`))
    return undefined
  },
}

/** The value as it is kept, if the commands that use it would take it. @throws AppError as they do */
function usable({ settings, wallets }: Context, name: SettingName, value: string): string {
  if (name === 'network') assertNetworkKnown(value, settings)
  if (name === 'rpc') asRpcUrl(value, 'this setting')
  if (name === 'wallet' && value !== DEVNET_WALLET)
    wallets.read(value, (known) => `0g-compute config set wallet ${known}`)
  if (name === 'provider') asAddress(value)
  if (name === 'max-cost') parse0G(value)
  if (name === 'usd-rate') assertRate(value)
  if (name === 'accept') takesIncomplete(value)
  if (name !== 'policy') return value
  readPolicy(value)
  return resolve(value)
}

function assertRate(value: string): void {
  if (/^\d+(\.\d{1,18})?$/.test(value) && Number(value) > 0) return
  throw new AppError({
    code: 'usd_rate_invalid',
    message: `usd-rate takes US dollars for 1 0G, not "${value}"`,
    hint: 'A decimal number, for example 0.5',
    next: '0g-compute config set usd-rate 0.5',
    exitCode: EXIT.usage,
  })
}
