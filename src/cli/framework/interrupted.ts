import { AppError, EXIT } from '../../base/errors.ts'
import { quoted } from '../../base/quoted.ts'
import type { CommandEntry } from '../commands.ts'

/** Only the whole call goes on with what it began, and its words carry no contents. */
const GOES_ON = /^(finetune|train|dataset) |^provider (init|check|leave)$/

/** Ctrl-C. @param argv what stood after the command's name */
export const interrupted = ({ name }: Pick<CommandEntry, 'name'>, argv: readonly string[]): AppError =>
  new AppError({
    code: 'interrupted',
    message: 'Interrupted',
    hint: 'What was sent before stays sent; the same command goes on from there',
    next: name.startsWith('fund')
      ? '0g-compute fund status'
      : ['0g-compute', name, ...(GOES_ON.test(name) ? argv.map(quoted) : [])].join(' '),
    retryable: true,
    exitCode: EXIT.interrupted,
  })
