import type { CommandDefinition } from './framework/definition.ts'
import { manPage } from './framework/manPage.ts'

export const command: CommandDefinition = {
  examples: ['0g-compute man | man -l -', '0g-compute man > 0g-compute.1'],
  notes: 'Made of the same table as the help: every command, its options and its examples.',
  async run({ out }) {
    const { COMMANDS } = await import('./commands.ts')
    const page = await manPage(COMMANDS)
    out.result({ page }, () => page)
    return undefined
  },
}
