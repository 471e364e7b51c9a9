import { prepareTrainer } from '../demo/python.ts'
import { type Part, skipped } from './part.ts'
import { runProgram } from './spawn.ts'
import { vitest } from './vitest.ts'

/** What `transformers serve` needs beside the trainer's packages, for text and to hear. */
const SERVING = [
  ...['fastapi==0.165.0', 'uvicorn==0.54.0'],
  ...['python-multipart==0.0.34', 'soundfile==0.14.0', 'soxr==1.1.0'],
]

/** Engines that are Python programs, as they are. */
export const engines = (): Part => ({
  name: 'engines in Python (vitest)',
  async run() {
    const { python, why } = await prepareTrainer(() => {})
    if (python === null) return skipped(`engines in Python: ${why}`)
    const installed = await runProgram(python, ['-m', 'pip', 'install', '-q', ...SERVING])
    if (installed.code !== 0) return skipped(`engines in Python: ${SERVING.join(', ')} cannot be installed`)
    return vitest(['--config', 'test/engines/vitest.config.ts'], { ZG_TRAINER_PYTHON: python }).run()
  },
})
