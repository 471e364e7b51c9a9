import { AppError, EXIT, toAppError } from '../../base/errors.ts'
import type { CommandEntry } from '../commands.ts'
import { Context } from './context.ts'
import { Output } from './output.ts'
import { type GlobalFlags, parse } from './parse.ts'

/** Loads one command, parses its words, runs it, and says what became of it. */
export async function runCommand(entry: CommandEntry, argv: readonly string[]): Promise<number> {
  endQuietlyWhenNobodyReads()
  const interruption = interruptible()
  let out = outputFor({ json: argv.includes('--json'), quiet: false, wide: false })
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
    const error = interruption.signal.aborted ? interrupted(entry) : withHelp(describe(thrown), entry)
    out.error(error)
    return error.exitCode
  } finally {
    interruption.end()
    await context?.close()
  }
}

function outputFor({ json, quiet, wide }: Pick<GlobalFlags, 'json' | 'quiet' | 'wide'>): Output {
  const noColor = process.argv.includes('--no-color')
  const env = noColor ? { ...process.env, NO_COLOR: '1' } : process.env
  return new Output({ json, quiet, wide, stdout: process.stdout, stderr: process.stderr, env })
}

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

const interrupted = (entry: CommandEntry): AppError =>
  new AppError({
    code: 'interrupted',
    message: 'Interrupted',
    hint: 'What was sent before stays sent; the same command goes on from there',
    next: entry.name.startsWith('fund') ? '0g-compute fund status' : `0g-compute ${entry.name}`,
    retryable: true,
    exitCode: EXIT.interrupted,
  })

/** Inquirer's own error for Ctrl-C at a prompt, and everything else. */
function describe(thrown: unknown): AppError {
  if (thrown instanceof Error && thrown.name === 'ExitPromptError') {
    return new AppError({
      code: 'cancelled',
      message: 'Cancelled',
      hint: 'Nothing was done',
      exitCode: EXIT.interrupted,
    })
  }
  return toAppError(thrown)
}

/** What was given in a wrong form is explained in the help of the command, where the error knows nothing better. */
function withHelp(error: AppError, { name }: CommandEntry): AppError {
  if (error.next !== undefined || !error.code.endsWith('_invalid')) return error
  const { exitCode, status, cause } = error
  return new AppError({ ...error.toObject(), next: `0g-compute ${name} --help`, exitCode, status, cause })
}
