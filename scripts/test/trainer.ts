import { TRAINER_VENV } from '../demo/python.ts'
import { type Part, skipped } from './part.ts'
import { runProgram } from './spawn.ts'
import { installInto } from './venv.ts'

const PYTEST = 'pytest==9.2.0'

/** The Python trainer's tests, in a virtual environment that this makes. */
export const trainer = (): Part => ({
  name: 'trainer (pytest)',
  async run() {
    const problem = await installInto(TRAINER_VENV, ['-r', 'trainer/requirements.txt', PYTEST])
    if (problem) return skipped(`the trainer: ${problem}`)
    const { output } = await runProgram(`${TRAINER_VENV}/bin/python`, [
      '-m',
      'pytest',
      '-q',
      '-rs',
      'trainer/tests',
    ])
    const passed = Number(/(\d+) passed/.exec(output)?.[1] ?? 0)
    const failed = Number(/(\d+) (?:failed|error)/.exec(output)?.[1] ?? (passed ? 0 : 1))
    if (failed) console.log(output)
    const skips = [...output.matchAll(/^SKIPPED \[\d+\] .*?: (.*)$/gm)].map(
      ([, reason]) => `the trainer: ${reason}`,
    )
    return { passed, failed, skips }
  },
})
