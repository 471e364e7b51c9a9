import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { countInChild } from '../../../../src/provider/finetune/countInChild.ts'
import { countDatasetTokens } from '../../../../src/storage/dataset/readSamples.ts'
import { readTokenizer } from '../../../../src/storage/dataset/readTokenizer.ts'

const dir = mkdtempSync(join(tmpdir(), 'zg-count-'))
afterAll(() => rmSync(dir, { recursive: true }))

const options = { sequenceLength: 64, tooLong: 'truncate' as const }
const PLAIN = '{% for message in messages %}{{ message.content }}{% endfor %}'
/** Ten thousand million rounds without a letter: hours. */
const ENDLESS = `{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}${PLAIN}`
const PATIENT = { stallMs: 60_000, totalMs: 60_000, memory: 2048 }
const never = new AbortController().signal

function work(chatTemplate: string, examples = 3) {
  const path = join(dir, `${examples}.jsonl`)
  const line = (n: number) => JSON.stringify({ instruction: `Who is ${n}?`, output: `It is ${n}.` })
  writeFileSync(path, Array.from({ length: examples }, (_, n) => line(n)).join('\n'))
  return { file: { path, format: 'jsonl' as const }, model: 'models/demo', chatTemplate, options }
}

it('counts as the client does', async () => {
  const { file, model, chatTemplate } = work(PLAIN)
  const { tokens } = await countDatasetTokens(file, await readTokenizer(model, chatTemplate), options)
  expect(tokens).toBeGreaterThan(0)
  expect(await countInChild(work(PLAIN), never, PATIENT)).toBe(tokens)
})

it('a chat template that does not end is ended, and nobody is held up by it', async () => {
  let turns = 0
  const timer = setInterval(() => turns++, 10)
  await expect(countInChild(work(ENDLESS), never, { ...PATIENT, stallMs: 500 })).rejects.toMatchObject({
    code: 'counting_over_limit',
    message: expect.stringContaining('one example took more than 500 ms'),
    status: 400,
  })
  clearInterval(timer)
  expect(turns).toBeGreaterThan(5)
})

it('so is one that takes long for each of many examples', async () => {
  const slow = `{% for a in range(3000) %}{% for b in range(100) %}{% endfor %}{% endfor %}${PLAIN}`
  await expect(countInChild(work(slow, 20_000), never, { ...PATIENT, totalMs: 2000 })).rejects.toMatchObject({
    code: 'counting_over_limit',
    message: expect.stringContaining('it took more than 2000 ms'),
  })
})

it('so is one that takes all the memory', async () => {
  const hungry = `{% for a in range(50000000) %}{% endfor %}${PLAIN}`
  await expect(countInChild(work(hungry), never, { ...PATIENT, memory: 200 })).rejects.toMatchObject({
    code: 'counting_over_limit',
    message: expect.stringContaining('200 MiB'),
  })
})

it('ends at once when the broker stops', async () => {
  const stopping = new AbortController()
  const counted = countInChild(work(ENDLESS), stopping.signal, PATIENT)
  setTimeout(() => stopping.abort(), 100)
  await expect(counted).rejects.toThrow('aborted')
})

it('a template that fails has its own error', async () => {
  await expect(countInChild(work('{{ raise_exception("no") }}'), never, PATIENT)).rejects.toMatchObject({
    code: 'chat_template_refuses',
  })
})
