import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { RAY_VENV } from '../../test/ray/head.ts'
import { prepareTrainer } from '../demo/python.ts'
import { type Part, skipped } from './part.ts'
import { runProgram } from './spawn.ts'
import { vitest } from './vitest.ts'

const RAY = 'ray[default]==2.58.0'

/** Fine-tuning on a Ray cluster, with a head that the tests start. */
export const ray = (): Part => ({
  name: 'fine-tuning on Ray (vitest)',
  async run() {
    const { python, why } = await prepareTrainer(() => {})
    if (python === null) return skipped(`fine-tuning on Ray: ${why}`)
    const problem = await prepareRay()
    if (problem) return skipped(`fine-tuning on Ray: ${problem}`)
    return vitest(['--config', 'test/ray/vitest.config.ts'], { ZG_TRAINER_PYTHON: python }).run()
  },
})

/** @returns why it cannot run, or nothing */
async function prepareRay(): Promise<string | undefined> {
  const python = join(RAY_VENV, 'bin/python')
  if (!existsSync(python)) {
    const made = await runProgram('python3', ['-m', 'venv', RAY_VENV])
    if (made.code !== 0) return 'python3 cannot make a virtual environment'
  }
  const installed = await runProgram(python, ['-m', 'pip', 'install', '-q', RAY])
  return installed.code === 0 ? undefined : `${RAY} cannot be installed from PyPI`
}
