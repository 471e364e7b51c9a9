import { AppError, EXIT } from '../../base/errors.ts'
import { COMMANDS } from '../commands.ts'
import { Output } from './output.ts'
import { didYouMean } from './route.ts'

/** Says that there is no such command, and which one was perhaps meant. */
export function unknownCommand(words: readonly string[], argv: readonly string[]): number {
  const out = new Output({
    json: argv.includes('--json'),
    quiet: false,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  })
  const error = words.length > 0 ? noSuchCommand(words) : noSuchOption(argv)
  out.error(error)
  return error.exitCode
}

function noSuchCommand(words: readonly string[]): AppError {
  const near = didYouMean(words, COMMANDS)
  return new AppError({
    code: 'command_unknown',
    message: `There is no command "${words.join(' ')}"`,
    hint: near ? `Did you mean "${near}"?` : 'Help lists the commands',
    next: near ? `0g-compute ${near} --help` : '0g-compute --help',
    exitCode: EXIT.usage,
  })
}

const noSuchOption = (argv: readonly string[]): AppError =>
  new AppError({
    code: 'usage',
    message: `There is no option "${argv.find((word) => word.startsWith('-')) ?? ''}" without a command`,
    hint: 'A command comes first',
    next: '0g-compute --help',
    exitCode: EXIT.usage,
  })
