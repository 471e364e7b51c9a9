import { text as readAll } from 'node:stream/consumers'
import { AppError, EXIT } from '../../base/errors.ts'

/** A text from an argument; without one, or with `-`, from stdin. @throws AppError `prompt_missing` */
export async function readText(argument: string | undefined, example: string): Promise<string> {
  const fromStdin = argument === undefined || argument === '-'
  const text = fromStdin && !process.stdin.isTTY ? await readAll(process.stdin) : fromStdin ? '' : argument
  if (text.trim() !== '') return fromStdin ? text.trimEnd() : text
  throw new AppError({
    code: 'prompt_missing',
    message: 'There is no prompt',
    hint: 'Give it as an argument, or on stdin',
    next: example,
    exitCode: EXIT.usage,
  })
}
