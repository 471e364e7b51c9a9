import { TRAINER_VENV } from '../demo/python.ts'
import { installExtra } from '../extras.ts'
import { type Part, skipped } from './part.ts'
import { installInto, OPENAI_FOR_PYTHON } from './venv.ts'
import { vitest } from './vitest.ts'

/** Examples for other people's libraries: LangChain.js, the Vercel AI SDK, the official client for Python. */
export const examples = (): Part => ({
  name: 'examples for other libraries (vitest)',
  async run() {
    const problem = (await installExtra('examples')) ?? (await installInto(TRAINER_VENV, [OPENAI_FOR_PYTHON]))
    return problem
      ? skipped(`the examples: ${problem}`)
      : vitest(['--config', 'test/examples/vitest.config.ts']).run()
  },
})
