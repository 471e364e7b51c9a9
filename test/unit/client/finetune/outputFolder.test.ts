import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { assertUsable, freeFolder } from '../../../../src/client/finetune/outputFolder.ts'

let dir: string
const at = (name: string) => join(dir, name)

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'zg-output-'))
  mkdirSync(at('empty'))
  mkdirSync(at('full'))
  writeFileSync(at('full/thesis.txt'), 'years of work')
  mkdirSync(at('full-2'))
  writeFileSync(at('full-2/more.txt'), '')
})
afterAll(() => rmSync(dir, { recursive: true }))

it('takes a folder that is empty or not there yet, and nothing that holds something', async () => {
  for (const free of ['empty', 'new', 'new/below']) await assertUsable(at(free))
  await assertUsable(undefined)
  for (const taken of ['full', 'full/thesis.txt'])
    await expect(assertUsable(at(taken))).rejects.toMatchObject({ code: 'output_not_empty' })
  await expect(assertUsable(at('full/thesis.txt/below'))).rejects.toMatchObject({ code: 'output_unwritable' })
  expect(existsSync(at('new'))).toBe(false)
})

it('finds a free folder beside one that was filled meanwhile', async () => {
  expect(await freeFolder(at('empty'))).toBe(at('empty'))
  expect(await freeFolder(at('full'))).toBe(at('full-3'))
  expect(readdirSync(at('full'))).toEqual(['thesis.txt'])
})
