import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sensitiveKinds } from '../../../src/client/dataset/sensitive.ts'
import { validateDataset } from '../../../src/client/dataset/validateDataset.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'validate-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function write(...lines: string[]): string {
  const path = join(folder, 'data.jsonl')
  writeFileSync(path, lines.join('\n'))
  return path
}

const text = (value: string) => JSON.stringify({ text: value })

describe('dataset validate', () => {
  it('finds nothing in a good file', async () => {
    const report = await validateDataset({ path: write(text('a'), text('bb'), text('cccc')) })
    expect(report).toMatchObject({
      examples: 3,
      sampleFormat: 'text',
      format: 'jsonl',
      valid: true,
      findings: [],
    })
    expect(report.lengths).toEqual({
      unit: 'characters',
      total: 7,
      shortest: 1,
      longest: 4,
      mean: 2,
      histogram: [
        { from: 1, to: 2, count: 1 },
        { from: 2, to: 4, count: 1 },
        { from: 4, to: 8, count: 1 },
      ],
    })
  })

  it('names every kind of problem with its lines, errors first', async () => {
    const path = write(
      text('again'),
      text('write to someone@example.org'),
      '{"text":',
      text('again'),
      '{"instruction":"a","output":""}',
      '{"instruction":"a","output":"b"}',
      text('x'.repeat(2049)),
      '{"text":""}',
      text('again'),
    )
    const { valid, examples, findings } = await validateDataset({ path })
    expect({ valid, examples }).toEqual({ valid: false, examples: 5 })
    expect(findings.map(({ severity, code, count, lines }) => [severity, code, count, lines])).toEqual([
      ['error', 'not_json', 1, [3]],
      ['error', 'empty_answer', 1, [5]],
      ['error', 'mixed_formats', 1, [6]],
      ['error', 'empty_text', 1, [8]],
      ['warning', 'sensitive_email', 1, [2]],
      ['warning', 'duplicate', 2, [4, 9]],
      ['warning', 'too_long', 1, [7]],
    ])
  })

  it('measures in tokens of a model when it has its tokenizer', async () => {
    const path = write(text('one two three four five six seven eight nine ten'), text('1'))
    const options = { path, tokenizer: 'models/demo', sequenceLength: 16 }
    const { lengths, findings } = await validateDataset(options)
    expect(lengths).toMatchObject({ unit: 'tokens', shortest: 2 })
    expect(findings).toMatchObject([{ code: 'too_long', lines: [1] }])
  })

  it('lists the first twenty lines of a problem and counts the rest', async () => {
    const { findings } = await validateDataset({ path: write(...Array(100).fill('broken')) })
    expect(findings).toMatchObject([{ code: 'not_json', count: 100, lines: { length: 20 } }])
  })

  it('finds the one broken line of a million', async () => {
    const path = join(folder, 'million.jsonl')
    const lines = function* () {
      for (let i = 1; i <= 1_000_000; i++)
        yield i === 765_432 ? '{"text":"cut off\n' : `{"text":"example number ${i}"}\n`
    }
    await pipeline(Readable.from(lines()), createWriteStream(path))
    const before = process.memoryUsage().rss
    const { findings, examples } = await validateDataset({ path })
    expect({ findings, examples }).toEqual({
      findings: [{ severity: 'error', code: 'not_json', message: 'is not JSON', count: 1, lines: [765_432] }],
      examples: 999_999,
    })
    expect(process.memoryUsage().rss - before).toBeLessThan(400e6)
  }, 120_000)
})

describe('personal data and secrets', () => {
  it.each([
    ['email', 'Ask jane.doe+x@mail.example.org.'],
    ['phone', 'Call +49 (30) 1234-5678 now'],
    ['card', 'It is 4111 1111 1111 1111.'],
    ['iban', 'Pay to DE89 3704 0044 0532 0130 00 please'],
    ['social_security', 'His is 078-05-1120'],
    ['private_key', '-----BEGIN EC PRIVATE KEY-----'],
    ['private_key', `key 0x${'ab'.repeat(32)}`],
    ['api_key', `sk-${'a1'.repeat(20)}`],
    ['api_key', 'AKIAIOSFODNN7EXAMPLE'],
    ['access_token', `eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(20)}.${'c'.repeat(20)}`],
    ['password', 'the Password: hunter22'],
  ] as const)('%s is seen', (kind, value) => {
    expect(sensitiveKinds(value)).toEqual([kind])
  })

  it.each([
    'Versions 1.2.3 and 10.20.30.40, in 2024-01-02 at 12:30',
    'The number 1234567890123456 has no check digit',
    '0000 0000 0000 0000',
    'In 1983, 45-67 people @ home said a@b',
    'Forgot the password? Enter a new one.',
    'skating, ask-me-anything, hf_short',
    'GB82 WEST 1234 5698 7654 33',
  ])('%s is not', (value) => {
    expect(sensitiveKinds(value)).toEqual([])
  })

  it('is looked for in time that grows with the text alone', () => {
    for (const piece of ['a.', '1 ', '+1-', 'AB12 ', 'eyJa', 'a@a.', '-----BEGIN ', 'pwd =']) {
      const startedAt = performance.now()
      sensitiveKinds(piece.repeat(50_000))
      expect(performance.now() - startedAt, piece).toBeLessThan(5000)
    }
  })
})
