import { prepareTrainer } from '../demo/python.ts'
import { type Part, skipped } from './part.ts'
import { vitest } from './vitest.ts'

/** Fine-tuning from a file to an answer, with the real trainer. */
export const finetune = (): Part => ({
  name: 'fine-tuning (vitest)',
  async run() {
    const { python, why } = await prepareTrainer(() => {})
    if (python === null) return skipped(`fine-tuning: ${why}`)
    return vitest(['--config', 'test/finetune/vitest.config.ts'], { ZG_TRAINER_PYTHON: python }).run()
  },
})
