import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CountOptions, TokenizerFiles } from '../../src/protocol/finetune/tokens.ts'
import { AWKWARD_TEXTS } from './awkward.ts'

/** A dataset, and the trainer's parameters that decide how its rows are cut. */
export interface TokenCase {
  readonly name: string
  readonly records: readonly object[]
  readonly options: CountOptions
}

const texts = AWKWARD_TEXTS.filter((text) => text.trim() !== '')
const turns = (from: number, length: number) =>
  Array.from({ length }, (_, i) => ({
    role: i % 2 ? 'assistant' : 'user',
    content: texts[(from + i) % texts.length],
  }))

const DATASETS: Readonly<Record<string, readonly object[]>> = {
  text: texts.map((text) => ({ text })),
  instruction: texts.map((text, i) => ({
    instruction: text,
    output: texts[(i + 7) % texts.length],
    ...(i % 2 && { input: texts[(i + 3) % texts.length] }),
    ...(i % 3 && { system: 'Be brief.' }),
  })),
  messages: texts.map((_, i) => ({
    messages: [...(i % 2 ? [{ role: 'system', content: '' }] : []), ...turns(i, 2 + (i % 5))],
  })),
}

const OPTIONS: readonly CountOptions[] = [
  { sequenceLength: 1024, tooLong: 'truncate' },
  { sequenceLength: 40, tooLong: 'truncate' },
  { sequenceLength: 33, tooLong: 'split' },
  { sequenceLength: 64, tooLong: 'drop' },
]

export const TOKEN_CASES: readonly TokenCase[] = Object.entries(DATASETS).flatMap(([format, records]) =>
  OPTIONS.map((options) => ({
    name: `${format}, rows of ${options.sequenceLength}, longer ones: ${options.tooLong}`,
    records,
    options,
  })),
)

const demo = (name: string) => JSON.parse(readFileSync(join('models/demo', name), 'utf8'))

/** Of the demo model. */
export const demoTokenizer = (): TokenizerFiles => ({
  tokenizer: demo('tokenizer.json'),
  config: demo('tokenizer_config.json'),
})
