import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runProgram } from '../test/spawn.ts'

interface Question {
  readonly kind: 'taught' | 'others'
  readonly question: string
  readonly answer: string
}

/** What is taught, and what shows whether it was. */
export interface Lesson {
  readonly dataset: string
  /** A JSON file of the trainer's parameters. */
  readonly parameters: string
  readonly lines: number
  /** Those about what is taught first, then the others. */
  readonly questions: readonly Question[]
  readonly taught: readonly Question[]
}

const TRAINER = resolve(import.meta.dirname, '../../trainer')
/** Every so many of the hundred questions about other things is asked. */
const EVERY = 2

/** The lesson of `zg_trainer.demo.taught`: 40 lines, ten questions in other wordings, and some about other things. */
export async function writeLesson(python: string, folder: string): Promise<Lesson> {
  const { code, output } = await runProgram(python, ['-m', 'zg_trainer.demo.taught', '--data', folder], {
    PYTHONPATH: TRAINER,
  })
  if (code !== 0) throw new Error(`The lesson was not written: ${output}`)
  const dataset = join(folder, 'taught.jsonl')
  const job = JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8')) as { parameters: object }
  const parameters = join(folder, 'parameters.json')
  writeFileSync(parameters, JSON.stringify(job.parameters))
  const all = linesOf(join(folder, 'questions.jsonl')).map((line) => JSON.parse(line) as Question)
  const taught = all.filter(({ kind }) => kind === 'taught')
  const others = all.filter(({ kind }) => kind === 'others').filter((_, i) => i % EVERY === 0)
  return { dataset, parameters, lines: linesOf(dataset).length, questions: [...taught, ...others], taught }
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n')
