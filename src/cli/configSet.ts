import { AppError, EXIT } from '../base/errors.ts'
import { parse0G } from '../base/units.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { asAddress } from './framework/input.ts'
import { asSettingName, type SettingName } from './framework/settings.ts'

export const command: CommandDefinition = {
  args: [
    ['<name>', 'network, rpc, wallet, model, provider or max-cost'],
    ['[value]', 'empty takes the setting away'],
  ],
  examples: ['0g-compute config set max-cost 0.01', '0g-compute config set model'],
  async run({ out, settings }, input) {
    const name = asSettingName(input.required(0))
    const value = input.argument(1)
    if (value) assertUsable(name, value)
    settings.save({ [name]: value || undefined })
    out.result({ name, value: value ?? null }, () => (value ? `${name} is ${value}` : `${name} is not set`))
    return undefined
  },
}

function assertUsable(name: SettingName, value: string): void {
  if (name === 'max-cost') parse0G(value)
  if (name === 'provider') asAddress(value)
  if (name === 'rpc' && !URL.canParse(value)) throw notAUrl(value)
}

const notAUrl = (value: string): AppError =>
  new AppError({
    code: 'url_invalid',
    message: `"${value}" is not a URL`,
    hint: 'For example https://evmrpc.0g.ai',
    exitCode: EXIT.usage,
  })
