import { existsSync } from 'node:fs'
import { type Part, skipped } from './part.ts'
import { runProgram } from './spawn.ts'

const VENV = '.venv'

/** The Python trainer's tests, in a virtual environment that this makes. */
export const trainer = (): Part => ({
  name: 'trainer (pytest)',
  async run() {
    const python = await runProgram('python3', ['--version'])
    if (python.code !== 0) return skipped('the trainer: there is no python3')
    const venv = await prepareVenv()
    if (venv) return skipped(`the trainer: ${venv}`)
    const { output } = await runProgram(`${VENV}/bin/python`, ['-m', 'pytest', '-q', '-rs', 'trainer/tests'])
    const passed = Number(/(\d+) passed/.exec(output)?.[1] ?? 0)
    const failed = Number(/(\d+) (?:failed|error)/.exec(output)?.[1] ?? (passed ? 0 : 1))
    if (failed) console.log(output)
    const skips = [...output.matchAll(/^SKIPPED \[\d+\] .*?: (.*)$/gm)].map(
      ([, reason]) => `the trainer: ${reason}`,
    )
    return { passed, failed, skips }
  },
})

/** @returns why it could not be made, or nothing */
async function prepareVenv(): Promise<string | undefined> {
  if (!existsSync(`${VENV}/bin/python`)) {
    const made = await runProgram('python3', ['-m', 'venv', VENV])
    if (made.code !== 0) return 'python3 cannot make a virtual environment'
  }
  const pip = await runProgram(`${VENV}/bin/pip`, [
    'install',
    '-q',
    '-r',
    'trainer/requirements.txt',
    'pytest',
  ])
  return pip.code === 0 ? undefined : 'its packages cannot be installed'
}
