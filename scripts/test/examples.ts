import { existsSync } from 'node:fs'
import { installExtra } from '../extras.ts'
import { type Part, skipped } from './part.ts'
import { runProgram } from './spawn.ts'
import { vitest } from './vitest.ts'

const VENV = '.venv'
const OPENAI = 'openai==3.54.0'

/** Examples for other people's libraries: LangChain.js, the Vercel AI SDK, the official client for Python. */
export const examples = (): Part => ({
  name: 'examples for other libraries (vitest)',
  async run() {
    const problem = (await installExtra('examples')) ?? (await installOpenAi())
    return problem
      ? skipped(`the examples: ${problem}`)
      : vitest(['--config', 'test/examples/vitest.config.ts']).run()
  },
})

/** @returns why the client for Python cannot be had, or nothing */
async function installOpenAi(): Promise<string | undefined> {
  if (!existsSync(`${VENV}/bin/python`)) {
    const made = await runProgram('python3', ['-m', 'venv', VENV])
    if (made.code !== 0) return 'python3 cannot make a virtual environment'
  }
  const { code } = await runProgram(`${VENV}/bin/pip`, ['install', '-q', OPENAI])
  return code === 0 ? undefined : `${OPENAI} cannot be installed from PyPI`
}
