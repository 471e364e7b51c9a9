import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sample } from '../../../src/protocol/finetune/dataset/sample.ts'
import type { DatasetFile } from '../../../src/storage/dataset/readRecords.ts'
import { countDatasetTokens, readSamples } from '../../../src/storage/dataset/readSamples.ts'
import { readTokenizer } from '../../../src/storage/dataset/readTokenizer.ts'

const FIXTURES = 'test/fixtures/dataset'
const QUESTIONS = { instruction: 'question', output: 'answer' }

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataset-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(content: string | Uint8Array, name = 'data.jsonl'): DatasetFile {
  const path = join(folder, name)
  writeFileSync(path, content)
  return { path }
}

async function read(dataset: DatasetFile): Promise<Sample[]> {
  const samples: Sample[] = []
  for await (const sample of readSamples(dataset)) samples.push(sample)
  return samples
}

const turn = (question: string, answer: string): Sample => ({
  format: 'instruction',
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ],
})

describe('a dataset', () => {
  it('is JSONL in one of three formats, with blank lines, a byte order mark and any line ends', async () => {
    const lines = [
      '\ufeff{"instruction":"a","output":"b"}',
      '',
      '  ',
      '{"instruction":"c","input":"d","output":"e"}',
    ]
    expect(await read(file(`${lines.join('\r\n')}\r\n`))).toEqual([turn('a', 'b'), turn('c\n\nd', 'e')])
    expect(await read(file('{"text":"line\\nbreak"}'))).toEqual([{ format: 'text', text: 'line\nbreak' }])
    const messages = [
      { role: 'system', content: 'x' },
      { role: 'assistant', content: 'y' },
    ]
    expect(await read(file(JSON.stringify({ messages, id: 7 })))).toEqual([{ format: 'messages', messages }])
  })

  it('is CSV with columns of the fields’ names, or mapped', async () => {
    const quoted = 'instruction,output,other\n"a, ""b""\nc",d,e\n\n,f,g\n'
    await expect(read(file(quoted, 'a.csv'))).rejects.toMatchObject({
      message: expect.stringMatching(/^Line 5 /),
    })
    const mapped = file('\ufeffanswer,question\r\nd,"a, ""b""\nc"\r\n', 'b.csv')
    expect(await read({ ...mapped, columns: QUESTIONS })).toEqual([turn('a, "b"\nc', 'd')])
  })

  it.each(['none', 'gzip', 'zstd', 'brotli'])(
    'is Parquet with mapped columns, compression %s',
    async (compression) => {
      const path = join(FIXTURES, `columns.${compression}.parquet`)
      // Row 4, in the second row group, has no answer.
      await expect(read({ path, columns: QUESTIONS })).rejects.toMatchObject({
        code: 'dataset_record_wrong',
        message: 'Line 4 output is empty',
      })
      expect(await read({ path, columns: { text: 'question' } })).toHaveLength(5)
    },
  )

  it('is Parquet with conversations in it, in two row groups, with Snappy', async () => {
    const samples = await read({ path: join(FIXTURES, 'messages.snappy.parquet') })
    expect(samples).toHaveLength(3)
    expect(samples[2]).toEqual({ ...turn('Question 2 — é', 'Answer 2'), format: 'messages' })
  })

  it.each([
    ['dataset_empty', '', 'data.jsonl'],
    ['dataset_empty', '\n  \n', 'data.jsonl'],
    ['dataset_not_utf8', Buffer.from('{"text":"gr\xfc\xdfe"}', 'latin1'), 'data.jsonl'],
    ['dataset_not_utf8', Buffer.from('text\ngr\xfc\xdfe\n', 'latin1'), 'data.csv'],
    ['dataset_line_broken', '{"text":"a"}\n{"text":"b"\n', 'data.jsonl'],
    ['dataset_line_broken', '[1]', 'data.jsonl'],
    ['dataset_record_wrong', '{"prompt":"a"}', 'data.jsonl'],
    ['dataset_record_wrong', '{"text":"a","messages":[]}', 'data.jsonl'],
    ['dataset_record_wrong', '{"messages":[{"role":"user","content":"a"}]}', 'data.jsonl'],
    ['dataset_record_wrong', '{"messages":[{"role":"bot","content":"a"}]}', 'data.jsonl'],
    ['dataset_record_wrong', '{"messages":"[{"}', 'data.jsonl'],
    ['dataset_record_wrong', '{"instruction":"a","output":"\\u0085\\u001c \\u3000"}', 'data.jsonl'],
    ['dataset_record_wrong', 'text,other\na\n', 'data.csv'],
    ['dataset_mixed_formats', '{"text":"a"}\n{"instruction":"a","output":"b"}', 'data.jsonl'],
    ['dataset_not_csv', 'text\n"a\n', 'data.csv'],
    ['dataset_column_missing', 'question,answer\na,b\n', 'data.csv'],
    ['dataset_not_parquet', 'PAR1 is not enough', 'data.parquet'],
  ])('is refused as %s', async (code, content, name) => {
    await expect(read(file(content, name))).rejects.toMatchObject({ code, hint: expect.any(String) })
  })

  it('names the line, never what stands in it', async () => {
    const broken = file('{"text":"a"}\n\n{"text":"canary\n')
    const error = await read(broken).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ message: 'Line 3 is not JSON', details: { line: 3, problem: 'not_json' } })
    expect(JSON.stringify(error)).not.toContain('canary')
    const csv = await read(file('text\n"canary" x\n', 'data.csv')).catch((reason: unknown) => reason)
    expect(csv).toMatchObject({ code: 'dataset_not_csv' })
    expect(`${JSON.stringify(csv)}${(csv as Error).stack}`).not.toContain('canary')
  })

  it('that does not exist is its own error', async () => {
    await expect(read({ path: join(folder, 'none.jsonl') })).rejects.toMatchObject({
      code: 'dataset_unreadable',
    })
  })

  it('of each kind has the same tokens', async () => {
    const tokenizer = await readTokenizer('models/demo')
    const options = { sequenceLength: 64, tooLong: 'truncate' } as const
    const count = (dataset: DatasetFile) => countDatasetTokens(dataset, tokenizer, options)
    const jsonl = await count(file('{"instruction":"a, b","output":"c"}\n{"instruction":"d","output":"e"}'))
    expect(jsonl).toEqual({ examples: 2, tokens: expect.any(Number) })
    expect(await count(file('instruction,output\n"a, b",c\nd,e\n', 'c.csv'))).toEqual(jsonl)
  })

  it('is not counted without a tokenizer', async () => {
    await expect(readTokenizer(folder)).rejects.toMatchObject({ code: 'tokenizer_missing' })
  })
})
