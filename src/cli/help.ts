import { AppError, EXIT } from '../base/errors.ts'
import { COMMANDS } from './commands.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { commandsOf, rootHelp, topicHelp } from './framework/rootHelp.ts'
import { TOPICS } from './helpTopics.ts'

export const command: CommandDefinition = {
  args: [['[words...]', 'a topic or a command']],
  examples: ['0g-compute help exit-codes', '0g-compute help environment', '0g-compute help trust'],
  async run({ out }, input) {
    const words = input.argument(0) as unknown as readonly string[]
    const name = words.join(' ')
    const text = await textFor(name)
    // Commands are to be copied as they stand, so their examples are not broken into lines.
    const how = Object.hasOwn(TOPICS, name) ? 'report' : 'result'
    out[how]({ topic: name || 'help', text }, () => text)
    return undefined
  },
}

async function textFor(name: string): Promise<string> {
  if (name === '') return rootHelp(COMMANDS)
  if (Object.hasOwn(TOPICS, name)) return TOPICS[name]!
  const entry = COMMANDS.find((candidate) => candidate.name === name)
  if (entry) {
    const { parse } = await import('./framework/parse.ts')
    return parse(entry, (await entry.load()).command, ['--help']) as string
  }
  if (commandsOf(name, COMMANDS).length > 0) return topicHelp(name, COMMANDS)
  throw new AppError({
    code: 'topic_unknown',
    message: `There is no help on "${name}"`,
    hint: `Topics: ${Object.keys(TOPICS).join(', ')}, and every command`,
    next: '0g-compute --help',
    exitCode: EXIT.usage,
  })
}
