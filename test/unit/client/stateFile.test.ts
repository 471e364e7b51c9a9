import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { StateFile } from '../../../src/client/stateFile.ts'

let dir: string
let path: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'zg-state-'))
  path = join(dir, 'below', 'state')
})

afterEach(() => rmSync(dir, { recursive: true }))

const count = (text: string | null): string => `${Number(text ?? 0) + 1}`

/** Another process; what it imports stands in `SOURCES`. */
function runElsewhere(code: string) {
  const sources = new URL('../../../src/', import.meta.url).href
  const script = code.replaceAll('SOURCES', sources).replaceAll('PATH', JSON.stringify(path))
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

it('is changed by one at a time, also between processes', async () => {
  const other = runElsewhere(`
    import { StateFile } from 'SOURCES/client/stateFile.ts'
    const file = new StateFile(PATH)
    for (let n = 0; n < 50; n++) await file.change((text) => String(Number(text ?? 0) + 1))
  `)
  const file = new StateFile(path)
  await Promise.all(Array.from({ length: 50 }, () => file.change(count)))
  if (other.exitCode === null) await once(other, 'exit')
  expect(other.exitCode).toBe(0)
  expect(await file.read()).toBe('100')
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

it('is free again when whoever was changing it is killed', async () => {
  const holder = runElsewhere(`
    import { mkdirSync } from 'node:fs'
    import { dirname } from 'node:path'
    import { tryLock } from 'SOURCES/base/fileLock.ts'
    mkdirSync(dirname(PATH), { recursive: true })
    tryLock(PATH + '.lock')
    console.log('held')
    setInterval(() => {}, 1000)
  `)
  await once(holder.stdout, 'data')
  const file = new StateFile(path)
  let isChanged = false
  const changing = file.change(count).then(() => {
    isChanged = true
  })
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(isChanged).toBe(false)
  holder.kill('SIGKILL')
  await changing
  expect(await file.read()).toBe('1')
})

it('stays as it was when a change is refused, and leaves nothing half written', async () => {
  const file = new StateFile(path)
  expect(await file.read()).toBeNull()
  expect(await file.change(count)).toBe('1')
  const refusal = new Error('no')
  await expect(
    file.change(() => {
      throw refusal
    }),
  ).rejects.toBe(refusal)
  expect(await file.change(count)).toBe('2')
  expect(readdirSync(join(dir, 'below')).sort()).toEqual(['state', 'state.lock'])
})
