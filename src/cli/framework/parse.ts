import { Command, CommanderError } from 'commander'
import { AppError, EXIT } from '../../base/errors.ts'
import type { CommandEntry } from '../commands.ts'
import type { CommandDefinition } from './definition.ts'
import { Input } from './input.ts'
import { columnsOf, rejoin, wrap } from './wrap.ts'

/** Options that every command takes. */
export interface GlobalFlags {
  readonly json: boolean
  readonly yes: boolean
  readonly quiet: boolean
  /** `--wide`, of commands that print a table. */
  readonly wide: boolean
  readonly network: string | undefined
  readonly rpc: string | undefined
  readonly wallet: string | undefined
  readonly policy: string | undefined
  readonly accept: string | undefined
}

export interface ParsedCommand {
  readonly input: Input
  readonly flags: GlobalFlags
}

/**
 * Parses what stands after a command's name.
 * @returns the call, or the help text when it was asked for
 * @throws AppError `usage` for anything that the command does not take
 */
export function parse(
  entry: CommandEntry,
  definition: CommandDefinition,
  argv: readonly string[],
): ParsedCommand | string {
  let help = ''
  const command = toCommander(entry, definition)
    .configureOutput({ writeOut: (text) => (help += text), writeErr: () => {} })
    .exitOverride()
  try {
    command.parse([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed') return help
    throw usageError(error, entry, definition)
  }
  const options = command.opts<Record<string, unknown>>()
  return { input: new Input(command.processedArgs as string[], options), flags: flagsOf(options) }
}

function toCommander(entry: CommandEntry, definition: CommandDefinition): Command {
  const command = new Command(`0g-compute ${entry.name}`)
    .description(entry.summary)
    .allowExcessArguments(false)
    .showSuggestionAfterError(true)
    .addHelpText('before', `Examples\n${definition.examples.map((line) => `  ${line}`).join('\n')}\n`)
  if (definition.notes) command.addHelpText('after', `\n${page(definition.notes)}`)
  for (const [name, description] of definition.args ?? []) command.argument(name, description)
  for (const [flags, description] of definition.options ?? []) command.option(flags, description)
  return command
    .option('--json', 'one JSON object on stdout')
    .option('--network <name>', 'mainnet, testnet, devnet or one of your own')
    .option('--rpc <url>', 'another RPC for that network')
    .option('--wallet <name>', 'another wallet')
    .option('-y, --yes', 'answer yes to questions about money')
    .option('-q, --quiet', 'nothing on stderr but warnings and errors')
    .option('--no-color', 'no colour')
    .helpOption('-h, --help', 'this help')
}

/** As the sources have it, or as wide as the terminal. */
function page(notes: string): string {
  const columns = columnsOf(process.stdout)
  return columns === undefined ? notes : wrap(rejoin(notes), columns)
}

const flagsOf = (options: Readonly<Record<string, unknown>>): GlobalFlags => {
  const text = (name: string) => (typeof options[name] === 'string' ? options[name] : undefined)
  return {
    json: options.json === true,
    yes: options.yes === true,
    quiet: options.quiet === true,
    wide: options.wide === true,
    network: text('network'),
    rpc: text('rpc'),
    wallet: text('wallet'),
    policy: text('policy'),
    accept: text('accept'),
  }
}

const usageError = (error: CommanderError, entry: CommandEntry, { args }: CommandDefinition): AppError => {
  const [message, ...more] = error.message.replace(/^error: /, '').split('\n')
  const suggestion =
    error.code === 'commander.excessArguments' && args ? 'A text with spaces goes in quotes' : more[0]
  return new AppError({
    code: 'usage',
    message: message!,
    ...(suggestion && { hint: suggestion.replace(/[()]/g, '') }),
    next: `0g-compute ${entry.name} --help`,
    exitCode: EXIT.usage,
  })
}
