import { prepareTrainer } from './demo/python.ts'

/** Makes what the demo's training needs: a virtual environment with the trainer's packages. */
const { python, why } = await prepareTrainer((text) => console.log(text))
if (python === null) {
  console.error(`The trainer cannot be set up: ${why}`)
  process.exitCode = 1
} else console.log(`The trainer is ready: ${python}`)
