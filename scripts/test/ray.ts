import { RAY_VENV } from '../../test/ray/head.ts'
import { prepareTrainer } from '../demo/python.ts'
import { type Part, skipped } from './part.ts'
import { installInto } from './venv.ts'
import { vitest } from './vitest.ts'

const RAY = 'ray[default]==2.58.0'

/** Fine-tuning on a Ray cluster, with a head that the tests start. */
export const ray = (): Part => ({
  name: 'fine-tuning on Ray (vitest)',
  async run() {
    const { python, why } = await prepareTrainer(() => {})
    if (python === null) return skipped(`fine-tuning on Ray: ${why}`)
    const problem = await installInto(RAY_VENV, [RAY])
    if (problem) return skipped(`fine-tuning on Ray: ${problem}`)
    return vitest(['--config', 'test/ray/vitest.config.ts'], { ZG_TRAINER_PYTHON: python }).run()
  },
})
