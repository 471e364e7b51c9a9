import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { emptyHome } from './home.ts'

const home = emptyHome()
const KEY = { ZG_PRIVATE_KEY: `0x${'0'.repeat(63)}1` }

const json = async (...[args, ...rest]: Parameters<typeof home.run>) => {
  const { code, stdout, stderr } = await home.run([...args, '--json'], ...rest)
  return { code, value: JSON.parse(stdout), stderr }
}

beforeAll(() => {
  const write = (name: string, lines: readonly string[]) =>
    writeFileSync(join(home.dir, name), lines.join('\n'))
  write('good.jsonl', ['{"text":"one"}', '{"text":"two"}'])
  write('bad.jsonl', ['{"text":"one"}', '{"text":"canary"', '{"text":"one"}'])
  write('table.csv', ['question,answer', 'a,b'])
  write('empty.jsonl', [])
})

describe('dataset validate', () => {
  it('says that a good file can be trained on, and draws its lengths', async () => {
    const { code, stdout, stderr } = await home.run(['dataset', 'validate', 'good.jsonl'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/2 examples of the format text in 29 bytes of JSONL/)
    expect(stdout).toMatch(/below 4 {2}█+ +2\n/)
    expect(stderr).toContain('finetune create --dataset good.jsonl')
  })

  it('names what is wrong with its lines and ends with 30', async () => {
    const { code, stdout } = await home.run(['dataset', 'validate', 'bad.jsonl'])
    expect(code).toBe(30)
    expect(stdout).toMatch(/error +1 × is not JSON \(line 2\)/)
    expect(stdout).toMatch(/warning +1 × the same as an earlier example \(line 3\)/)
    expect(stdout).not.toContain('canary')
  })

  it('gives the same as JSON, and takes mapped columns', async () => {
    const report = await json([
      'dataset',
      'validate',
      'table.csv',
      '--columns',
      'instruction=question,output=answer',
    ])
    expect(report).toMatchObject({
      code: 0,
      value: { format: 'csv', examples: 1, valid: true, findings: [] },
    })
  })

  it.each([
    [['empty.jsonl'], 30, 'dataset_empty'],
    [['none.jsonl'], 2, 'dataset_unreadable'],
    [['table.csv'], 2, 'dataset_column_missing'],
    [['table.csv', '--columns', 'question'], 2, 'option_invalid'],
    [['good.jsonl', '--format', 'xml'], 2, 'option_invalid'],
    [['good.jsonl', '--tokenizer', '.'], 2, 'tokenizer_missing'],
  ])('%j ends with %i, %s', async (args, code, error) => {
    expect(await json(['dataset', 'validate', ...args])).toMatchObject({ code, value: { code: error } })
  })
})

describe('dataset root', () => {
  it('prints the root alone', async () => {
    const { code, stdout } = await home.run(['dataset', 'root', 'good.jsonl'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^0x[0-9a-f]{64}\n$/) })
    expect(await json(['dataset', 'root', 'none'])).toMatchObject({
      code: 2,
      value: { code: 'file_missing' },
    })
    expect(await json(['dataset', 'root', 'empty.jsonl'])).toMatchObject({
      code: 30,
      value: { code: 'file_empty' },
    })
  })
})

describe('dataset upload', () => {
  it('seals, or is told to be public; what was uploaded is listed', async () => {
    const refused = await json(['dataset', 'upload', 'good.jsonl', '--to', 'local'])
    expect(refused).toMatchObject({ code: 2, value: { code: 'receiver_missing' } })
    const { code, value, stderr } = await json([
      'dataset',
      'upload',
      'good.jsonl',
      '--to',
      'local',
      '--public',
    ])
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('not sealed') })
    const listed = await json(['dataset', 'list'])
    expect(listed.value.datasets).toEqual([value])
    expect(value).toMatchObject({ name: 'good.jsonl', examples: 2, place: 'local', sealedFor: null })
  })

  it('sends nothing that cannot be trained on', async () => {
    const result = await json(['dataset', 'upload', 'bad.jsonl', '--to', 'local', '--public'])
    expect(result).toMatchObject({ code: 30, value: { code: 'dataset_line_broken' } })
  })

  it('says what is missing for 0G Storage', async () => {
    const args = ['dataset', 'upload', 'good.jsonl', '--to', '0g-storage', '--public', '--network', 'testnet']
    const { value } = await json(args, KEY)
    expect(value.code).toBe('storage_sdk_missing')
  })
})
