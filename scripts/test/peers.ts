import { installExtra } from '../extras.ts'
import { type Part, skipped } from './part.ts'
import { vitest } from './vitest.ts'

/** The same results as other programs: the deployed storage SDK, the tokenizers of Python. */
export const peers = (): Part => ({
  name: 'beside other programs (vitest)',
  async run() {
    const problem = await installExtra('storage')
    return problem
      ? skipped(`beside other programs: ${problem}`)
      : vitest(['--config', 'test/peers/vitest.config.ts']).run()
  },
})
