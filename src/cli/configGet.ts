import type { CommandDefinition } from './framework/definition.ts'
import { asSettingName } from './framework/settings.ts'

export const command: CommandDefinition = {
  args: [['<name>', 'one of those that config list shows']],
  examples: ['0g-compute config get network'],
  async run({ out, settings }, input) {
    const name = asSettingName(input.required(0))
    const found = settings.find(name)
    out.result({ name, value: found?.value ?? null, origin: found?.origin ?? null }, () => found?.value ?? '')
    return undefined
  },
}
