import { toAppError } from '../../base/errors.ts'
import { Output } from '../framework/output.ts'
import { translate } from './translate.ts'

/**
 * Runs a command of the network's present command line as ours, and says how it is called now.
 * @param run runs a command line of ours
 * @returns the exit code, or null when it is no such command
 */
export async function runOldCommand(
  argv: readonly string[],
  run: (argv: readonly string[]) => Promise<number>,
): Promise<number | null> {
  const out = new Output({
    json: argv.includes('--json'),
    quiet: argv.includes('--quiet'),
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  })
  try {
    const translation = translate(argv)
    if (!translation) return null
    const { argv: now, notes } = translation
    out.note(out.notePaint.dim(`Now: 0g-compute ${now.map(quoted).join(' ')}`))
    for (const note of notes) out.note(out.notePaint.dim(note))
    return await run(now)
  } catch (thrown) {
    const error = toAppError(thrown)
    out.error(error)
    return error.exitCode
  }
}

const quoted = (word: string): string => (/^[\w./,:@-]+$/.test(word) ? word : JSON.stringify(word))
