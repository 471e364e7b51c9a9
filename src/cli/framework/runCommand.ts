import { AppError, EXIT, toAppError } from '../../base/errors.ts'
import type { CommandEntry } from '../commands.ts'
import { advised } from './advised.ts'
import { carried } from './carried.ts'
import { Context } from './context.ts'
import { fileError } from './fileError.ts'
import { interrupted } from './interrupted.ts'
import { Output } from './output.ts'
import { type GlobalFlags, parse } from './parse.ts'

/** Loads one command, parses its words, runs it, and says what became of it. */
export async function runCommand(entry: CommandEntry, argv: readonly string[]): Promise<number> {
  endQuietlyWhenNobodyReads()
  const interruption = interruptible()
  let out = outputFor({ json: argv.includes('--json') })
  let context: Context | undefined
  try {
    const { command } = await entry.load()
    const parsed = parse(entry, command, argv)
    if (typeof parsed === 'string') {
      process.stdout.write(parsed)
      return EXIT.ok
    }
    out = outputFor(parsed.flags)
    context = new Context(parsed.flags, out, interruption.signal)
    return (await command.run(context, parsed.input)) ?? EXIT.ok
  } catch (thrown) {
    const error = interruption.signal.aborted ? interrupted(entry, argv) : withHelp(describe(thrown), entry)
    out.error(context && !isOfBroker(entry) ? await advised(error, context) : error)
    return error.exitCode
  } finally {
    interruption.end()
    await context?.close()
  }
}

function outputFor(flags: Partial<GlobalFlags>): Output {
  const { json = false, quiet = false, wide = false } = flags
  const noColor = process.argv.includes('--no-color')
  const env = noColor ? { ...process.env, NO_COLOR: '1' } : process.env
  const carry = (command: string) => carried(command, flags)
  return new Output({ json, quiet, wide, carry, stdout: process.stdout, stderr: process.stderr, env })
}

/** A broker is on the network of its own configuration. */
const isOfBroker = ({ name }: CommandEntry): boolean => name.startsWith('provider ')

/** The first Ctrl-C asks the command to end, the second ends the process. */
function interruptible(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted)
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    end: () => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}

/** `0g-compute … | head` closes our stdout early; that is no failure. */
function endQuietlyWhenNobodyReads(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok)
    throw error
  })
}

/** Inquirer's own error for Ctrl-C at a prompt, the file system's, and everything else. */
function describe(thrown: unknown): AppError {
  if (thrown instanceof Error && thrown.name === 'ExitPromptError') {
    return new AppError({
      code: 'cancelled',
      message: 'Cancelled',
      hint: 'Nothing was done',
      exitCode: EXIT.interrupted,
    })
  }
  return fileError(thrown) ?? toAppError(thrown)
}

/** What was given in a wrong form is explained in the help of the command, where the error knows nothing better. */
function withHelp(error: AppError, { name }: CommandEntry): AppError {
  if (error.next !== undefined || !error.code.endsWith('_invalid')) return error
  const { exitCode, status, cause } = error
  return new AppError({ ...error.toObject(), next: `0g-compute ${name} --help`, exitCode, status, cause })
}
