import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram } from './spawn.ts'

/** OpenAI's client for Python, which `transformers serve` asks for too. */
export const OPENAI_FOR_PYTHON = 'openai==3.54.0'

/**
 * Installs Python's packages into a virtual environment, which it makes when there is none.
 *
 * @param packages arguments of `pip install`
 * @returns why they cannot be had, or nothing
 */
export async function installInto(folder: string, packages: readonly string[]): Promise<string | undefined> {
  const python = join(folder, 'bin', 'python')
  if (!existsSync(python)) {
    const found = await runProgram('python3', ['--version'])
    if (found.code !== 0) return 'there is no python3'
    const made = await runProgram('python3', ['-m', 'venv', folder])
    if (made.code !== 0) return 'python3 cannot make a virtual environment'
  }
  const { code } = await runProgram(python, ['-m', 'pip', 'install', '-q', ...packages])
  return code === 0 ? undefined : `${packages.join(' ')} cannot be installed from PyPI`
}
