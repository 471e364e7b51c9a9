import { type CommandDefinition, WIDE } from './framework/definition.ts'
import { SETTING_NAMES, SETTINGS } from './framework/settings.ts'

export const command: CommandDefinition = {
  options: [['--show-origin', 'where each value comes from'], WIDE],
  examples: ['0g-compute config list --show-origin'],
  async run({ out, settings }, input) {
    const entries = SETTING_NAMES.map((name) => {
      const found = settings.find(name)
      return { name, value: found?.value ?? null, origin: found?.origin ?? null, ...SETTINGS[name] }
    })
    const rows = entries.map(({ name, value, origin, description }) => [
      name,
      value ?? '-',
      input.flag('showOrigin') ? (origin ?? 'not set') : description,
    ])
    const head = ['setting', 'value', input.flag('showOrigin') ? 'from' : '']
    const table = out.json ? '' : await out.table(head, rows)
    const settingsOut = entries.map(({ name, value, origin }) => ({ name, value, origin }))
    out.result({ settings: settingsOut }, () => table)
    return undefined
  },
}
