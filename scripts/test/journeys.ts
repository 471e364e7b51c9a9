import { addTallies, type Part, skipped } from './part.ts'
import { runProgram } from './spawn.ts'
import { vitest } from './vitest.ts'

const CONFIG = ['--config', 'test/journeys/vitest.config.ts']

/** A new user's first answer, timed, from the packed package and from a fresh clone; discovery of 5,000 services. */
export const journeys = (): Part => ({
  name: 'a new user, and a large network (vitest)',
  async run() {
    const large = await vitest([...CONFIG, 'discovery']).run()
    const { code } = await runProgram('npm', ['view', 'openai', 'version'])
    if (code !== 0)
      return addTallies(large, skipped('a first answer from a new installation: no registry of npm answers'))
    return addTallies(large, await vitest([...CONFIG, 'firstAnswer']).run())
  },
})
