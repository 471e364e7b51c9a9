import { AppError, EXIT } from '../../base/errors.ts'

/** Whether there is a person to ask. */
export const canAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true

/** Asks yes or no on stderr; no is the default. */
export async function askYesNo(question: string): Promise<boolean> {
  const { answer } = await (await prompts())<{ answer: boolean }>([
    { type: 'confirm', name: 'answer', message: question, default: false },
  ])
  return answer
}

/** Asks for a secret; what is typed is not shown. */
export async function askSecret(question: string): Promise<string> {
  const { answer } = await (await prompts())<{ answer: string }>([
    { type: 'password', name: 'answer', message: question, mask: '*' },
  ])
  return answer
}

async function prompts() {
  const { default: inquirer } = await import('inquirer')
  return inquirer.createPromptModule({ input: process.stdin, output: process.stderr })
}

/** A question that only a person can answer, and nobody is there. */
export const needsTerminal = (what: string, hint: string): AppError =>
  new AppError({
    code: 'terminal_needed',
    message: `${what}, and there is no terminal to ask on`,
    hint,
    exitCode: EXIT.usage,
  })
