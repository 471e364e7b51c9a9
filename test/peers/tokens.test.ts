import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampleOf } from '../../src/protocol/finetune/dataset/sample.ts'
import { TokenCounter } from '../../src/protocol/finetune/tokens.ts'
import { countDatasetTokens } from '../../src/storage/dataset/readSamples.ts'
import { AWKWARD_TEXTS } from '../support/awkward.ts'
import { demoTokenizer, TOKEN_CASES } from '../support/tokenCases.ts'
import vectors from '../unit/protocol/tokens.vectors.json' with { type: 'json' }

const PYTHON = resolve('.venv/bin/python')

/** Counts of each text with its end token, by Python's transformers. */
const COUNT_TEXTS = `
import json, sys
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained("models/demo", local_files_only=True)
counts = [len(tokenizer(text + tokenizer.eos_token, verbose=False)["input_ids"]) for text in json.load(sys.stdin)]
print(json.dumps(counts))
`

/** Counts of datasets, by the trainer. */
const COUNT_DATASETS = `
import json, sys
from pathlib import Path
from zg_trainer.job import parse_job
from zg_trainer.run import count
print(json.dumps([count(parse_job(job, Path.cwd()))["tokens"] for job in json.load(sys.stdin)]))
`

const python = (script: string, input: unknown): string =>
  execFileSync(PYTHON, ['-c', script], {
    input: JSON.stringify(input),
    env: { ...process.env, PYTHONPATH: resolve('trainer') },
    stdio: ['pipe', 'pipe', 'ignore'],
  }).toString()

/** Texts of any characters, always the same ones. */
function randomTexts(count: number): string[] {
  let state = 1
  const next = (below: number) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
  const ranges = [
    [32, 95],
    [0x80, 0x180],
    [0x300, 0x70],
    [0x400, 0x500],
    [0x2000, 0x100],
    [0x4e00, 0x800],
    [0x1f300, 0x400],
    [9, 5],
  ]
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + next(60) }, () => {
      const [start, length] = ranges[next(ranges.length)]!
      return String.fromCodePoint(start! + next(length!))
    }).join(''),
  )
}

describe.skipIf(!existsSync(PYTHON))('tokens as Python counts them', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tokens-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('of awkward and of random texts', () => {
    const texts = [...AWKWARD_TEXTS, ...randomTexts(2000)]
    const counter = new TokenCounter(demoTokenizer(), { sequenceLength: 2 ** 20, tooLong: 'fail' })
    const counts: number[] = JSON.parse(python(COUNT_TEXTS, texts))
    expect(texts.map((text) => counter.length({ format: 'text', text }))).toEqual(counts)
    expect(vectors.texts).toEqual(counts.slice(0, AWKWARD_TEXTS.length))
  })

  it('of datasets, as the trainer counts them', () => {
    const jobs = TOKEN_CASES.map(({ records, options }, i) => {
      const file = join(folder, `${i}.jsonl`)
      writeFileSync(file, records.map((record) => JSON.stringify(record)).join('\n'))
      return {
        method: 'lora',
        model: resolve('models/demo'),
        dataset: { file },
        parameters: { sequence_length: options.sequenceLength, too_long: options.tooLong },
      }
    })
    const counts: number[] = JSON.parse(python(COUNT_DATASETS, jobs))
    for (const [i, { name, records, options }] of TOKEN_CASES.entries()) {
      const counter = new TokenCounter(demoTokenizer(), options)
      const ours = records.reduce<number>((total, record) => total + counter.count(sampleOf(record)), 0)
      expect({ name, tokens: ours }).toEqual({ name, tokens: counts[i] })
      expect(vectors.datasets[i]).toEqual({ name, tokens: counts[i] })
    }
  })

  it('of tables, as the trainer counts them', async () => {
    const csv = join(folder, 'table.csv')
    const rows = AWKWARD_TEXTS.filter((text) => text.trim() !== '').map(
      (text) => `"${text.replaceAll('"', '""')}","ok, é"`,
    )
    writeFileSync(csv, `\ufeffquestion,answer\r\n${rows.join('\r\n')}\r\n`)
    const files = [
      { path: csv, columns: { instruction: 'question', output: 'answer' } },
      { path: resolve('test/fixtures/dataset/messages.snappy.parquet'), columns: {} },
      { path: resolve('test/fixtures/dataset/columns.zstd.parquet'), columns: { text: 'question' } },
    ]
    const jobs = files.map(({ path, columns }) => ({
      method: 'lora',
      model: resolve('models/demo'),
      dataset: { file: path, columns },
      parameters: { sequence_length: 1024 },
    }))
    const counts: number[] = JSON.parse(python(COUNT_DATASETS, jobs))
    for (const [i, file] of files.entries()) {
      const { tokens } = await countDatasetTokens(file, demoTokenizer(), {
        sequenceLength: 1024,
        tooLong: 'truncate',
      })
      expect(tokens, file.path).toBe(counts[i])
    }
  })
})
