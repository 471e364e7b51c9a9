import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DatasetStore } from '../../src/provider/finetune/store/datasetStore.ts'
import { fineTuningTables } from '../../src/provider/finetune/store/migration.ts'
import { openDatabase } from '../../src/provider/finetune/store/openDatabase.ts'
import { TaskStore } from '../../src/provider/finetune/store/taskStore.ts'
import type { Task } from '../../src/provider/finetune/task.ts'
import { RowSeal } from '../../src/provider/ledger/seal.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'

const USER = `0x${'Ab'.repeat(20)}` as const
const ID = 'beb6f0d8-4660-4c62-988d-00246ce913d2'

let postgres: Postgres
let database: ReturnType<typeof openDatabase>
let seal: RowSeal

beforeAll(async () => {
  postgres = await startPostgres()
  database = openDatabase(await postgres.create('tasks'))
  for (const step of fineTuningTables(database as never, 'postgres'))
    await database.executeQuery(step.compile())
  seal = new RowSeal(new Uint8Array(32).fill(1), { chainId: 31337, contract: USER, provider: USER })
})

afterAll(async () => {
  await database?.destroy()
  await postgres?.stop()
})

describe('tasks in PostgreSQL', () => {
  it('are as they were written, changed by whoever read them last, with their log', async () => {
    const store = new TaskStore(database, seal, () => 1_700_000_000_000)
    const task = await store.insert({ id: ID, user: USER, state: 'Init', node: 'a', isClosed: false } as Task)
    expect([await store.find(ID), await store.ofUser(USER), await store.open('a')]).toEqual([
      task,
      [task],
      [task],
    ])
    const changed = await store.change(task, { state: 'Training' })
    await expect(store.change(task, { state: 'Failed' })).rejects.toMatchObject({ code: 'task_changed' })
    await store.addEvent(ID, { event: 'step', step: 1 })
    expect(await store.events(ID, 0)).toEqual([
      { seq: 1, at: 1_700_000_000_000, event: 'state', state: 'Init' },
      { seq: 2, at: 1_700_000_000_000, event: 'state', state: 'Training' },
      { seq: 3, at: 1_700_000_000_000, event: 'step', step: 1 },
    ])
    expect(await store.lastEvent(ID, 'step')).toMatchObject({ seq: 3 })
    expect(await store.counts()).toEqual([{ state: 'Training', tasks: 1 }])
    expect(await store.unfinished()).toEqual([{ id: ID, user: USER.toLowerCase(), state: 'Training' }])
    await store.change(changed, { state: 'Finished', isClosed: true })
    expect(await store.open('a')).toEqual([])
  })
})

describe('datasets in PostgreSQL', () => {
  it('are kept for a user and a node, and removed', async () => {
    const store = new DatasetStore(database, seal)
    const dataset = { user: USER, root: '0x1', node: 'a', createdAt: 1000, bytes: 5, wrappedKey: 'ab' }
    await store.put(dataset)
    await store.put({ ...dataset, createdAt: 2000 })
    expect(await store.find(USER, '0x1', 'a')).toEqual({
      ...dataset,
      user: USER.toLowerCase(),
      createdAt: 2000,
    })
    expect([await store.find(USER, '0x1', 'b'), await store.bytesOf(USER, 'a')]).toEqual([null, 5])
    expect(await store.olderThan(3000, 'a')).toHaveLength(1)
    await store.remove(dataset)
    expect(await store.olderThan(3000, 'a')).toEqual([])
  })
})
