import { COMMANDS } from './commands.ts'
import { commandsOf, rootHelp, topicHelp } from './framework/rootHelp.ts'
import { type Route, route } from './framework/route.ts'

/**
 * Runs one command line.
 *
 * Help is made of the table of commands alone; everything else is loaded when it runs.
 * @param argv without `node` and the script
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  const found = route(argv, COMMANDS)
  if (found.entry) {
    const { runCommand } = await import('./framework/runCommand.ts')
    return runCommand(found.entry, found.rest)
  }
  return withoutCommand(argv, found)
}

async function withoutCommand(argv: readonly string[], { words, rest }: Route): Promise<number> {
  const topic = words[0]
  const asksForHelp = argv.includes('--help') || argv.includes('-h')
  if (argv.length === 0 || (topic === undefined && asksForHelp)) return print(rootHelp(COMMANDS))
  if (topic !== undefined && commandsOf(topic, COMMANDS).length > 0 && (asksForHelp || words.length === 1)) {
    return print(topicHelp(topic, COMMANDS), asksForHelp ? 0 : 2)
  }
  const { runOldCommand } = await import('./migration/runOldCommand.ts')
  const exitCode = await runOldCommand(argv, main)
  if (exitCode !== null) return exitCode
  const { unknownCommand } = await import('./framework/unknownCommand.ts')
  return unknownCommand(words, rest)
}

function print(text: string, exitCode = 0): number {
  ;(exitCode === 0 ? process.stdout : process.stderr).write(text)
  return exitCode
}
