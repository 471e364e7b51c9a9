import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqlite } from '../../../../src/base/nodeSqlite.ts'
import { fineTuningTables } from '../../../../src/provider/finetune/store/migration.ts'
import { openDatabase } from '../../../../src/provider/finetune/store/openDatabase.ts'
import { TaskStore } from '../../../../src/provider/finetune/store/taskStore.ts'
import type { Task } from '../../../../src/provider/finetune/task.ts'
import { coldDatabase } from '../../../../src/provider/ledger/prepare.ts'
import { RowSeal } from '../../../../src/provider/ledger/seal.ts'

const USER = `0x${'Ab'.repeat(20)}` as const
const ID = 'beb6f0d8-4660-4c62-988d-00246ce913d2'

let dir: string
let path: string
let database: ReturnType<typeof openDatabase>
let store: TaskStore

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'zg-tasks-'))
  path = join(dir, 'ledger.sqlite')
  const file = new sqlite.DatabaseSync(path)
  for (const step of fineTuningTables(coldDatabase as never, 'sqlite')) file.exec(step.compile().sql)
  file.close()
  database = openDatabase(`sqlite:${path}`)
  const identity = { chainId: 31337, contract: USER, provider: USER }
  store = new TaskStore(database, new RowSeal(new Uint8Array(32).fill(1), identity), () => 1000)
})

afterEach(async () => {
  await database.destroy()
  rmSync(dir, { recursive: true, force: true })
})

const draft = {
  id: ID,
  user: USER,
  state: 'Init',
  node: 'node',
  wrappedKey: 'c0ffee',
  isClosed: false,
} as Task

describe('tasks', () => {
  it('are found by id, user and node, with their log from the first state on', async () => {
    const task = await store.insert(draft)
    expect(await store.find(ID)).toEqual(task)
    expect(await store.ofUser(USER.toLowerCase() as typeof USER)).toEqual([task])
    expect(await store.open('node')).toEqual([task])
    expect(await store.open('elsewhere')).toEqual([])
    const changed = await store.change(task, { state: 'SettingUp' })
    await store.addEvent(ID, { event: 'step', step: 1 })
    await store.addEvent(ID, { event: 'step', step: 2 })
    expect(await store.events(ID, 0)).toEqual([
      { seq: 1, at: 1000, event: 'state', state: 'Init' },
      { seq: 2, at: 1000, event: 'state', state: 'SettingUp' },
      { seq: 3, at: 1000, event: 'step', step: 1 },
      { seq: 4, at: 1000, event: 'step', step: 2 },
    ])
    expect(await store.events(ID, 3)).toHaveLength(1)
    expect(await store.lastEvent(ID, 'step')).toMatchObject({ seq: 4, step: 2 })
    expect(await store.counts()).toEqual([{ state: 'SettingUp', tasks: 1 }])
    await store.change(changed, { state: 'Finished', isClosed: true })
    expect([await store.open('node'), await store.unfinished()]).toEqual([[], []])
  })

  it('are changed by whoever read them last, and by nobody else', async () => {
    const task = await store.insert(draft)
    await store.change(task, { state: 'SettingUp' })
    await expect(store.change(task, { state: 'Failed' })).rejects.toMatchObject({ code: 'task_changed' })
    expect(await store.find(ID)).toMatchObject({ state: 'SettingUp', version: 2 })
    expect(await store.events(ID, 0)).toHaveLength(2)
  })

  it('that somebody else wrote are refused, and leave the others alone', async () => {
    await store.insert(draft)
    const other = await store.insert({ ...draft, id: ID.replace('beb6', 'aaaa') })
    await database.updateTable('finetune_tasks').set({ state: 'Finished' }).where('id', '=', ID).execute()
    await expect(store.find(ID)).rejects.toMatchObject({ code: 'ledger_row_tampered' })
    const refused: string[] = []
    expect(await store.open('node', (id) => refused.push(id))).toEqual([other])
    expect(refused).toEqual([ID])
  })

  it('leave no trace of a key that was destroyed', async () => {
    const task = await store.insert({ ...draft, wrappedKey: 'deadbeef'.repeat(12) })
    await store.change(task, { wrappedKey: null })
    await database.destroy()
    const { readFileSync } = await import('node:fs')
    expect(readFileSync(path).includes('deadbeefdeadbeef')).toBe(false)
    database = openDatabase(`sqlite:${path}`)
  })
})
