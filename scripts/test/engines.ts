import { prepareTrainer, TRAINER_VENV } from '../demo/python.ts'
import { type Part, skipped } from './part.ts'
import { installInto, OPENAI_FOR_PYTHON } from './venv.ts'
import { vitest } from './vitest.ts'

/** What `transformers serve` needs beside the trainer's packages, for text and to hear. */
const SERVING = [
  ...['fastapi==0.165.0', 'uvicorn==0.54.0', OPENAI_FOR_PYTHON],
  ...['python-multipart==0.0.34', 'soundfile==0.14.0', 'soxr==1.1.0'],
]

/** Engines that are Python programs, as they are. */
export const engines = (): Part => ({
  name: 'engines in Python (vitest)',
  async run() {
    const { python, why } = await prepareTrainer(() => {})
    if (python === null) return skipped(`engines in Python: ${why}`)
    const problem = await installInto(TRAINER_VENV, SERVING)
    if (problem) return skipped(`engines in Python: ${problem}`)
    return vitest(['--config', 'test/engines/vitest.config.ts'], { ZG_TRAINER_PYTHON: python }).run()
  },
})
