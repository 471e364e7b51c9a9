import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AppError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import type { TaskState } from '../../../../src/protocol/finetune/task.ts'
import { TaskStore } from '../../../../src/provider/finetune/store/taskStore.ts'
import type { Task } from '../../../../src/provider/finetune/task.ts'
import { TaskWorker } from '../../../../src/provider/finetune/worker/taskWorker.ts'
import type { Workshop } from '../../../../src/provider/finetune/workshop.ts'
import { RowSeal } from '../../../../src/provider/ledger/seal.ts'
import { type FineTuningDatabase, openFineTuningDatabase } from '../../../support/fineTuningDatabase.ts'

/** How long the worker wanted to wait, ms: time itself is not waited for. */
const pauses = vi.hoisted(() => [] as number[])
vi.mock('node:timers/promises', () => ({
  setTimeout: async (ms: number) => {
    pauses.push(ms)
    await new Promise((turn) => setImmediate(turn))
  },
}))

const USER = `0x${'ab'.repeat(20)}` as const
const ID = 'beb6f0d8-4660-4c62-988d-00246ce913d2'

let dir: string
let database: FineTuningDatabase
let store: TaskStore

beforeEach(() => {
  pauses.length = 0
  dir = mkdtempSync(join(tmpdir(), 'zg-attempts-'))
  database = openFineTuningDatabase(dir)
  const identity = { chainId: 31337, contract: USER, provider: USER }
  store = new TaskStore(database, new RowSeal(new Uint8Array(32).fill(1), identity), () => 1000)
})

afterEach(async () => {
  await database.destroy()
  rmSync(dir, { recursive: true, force: true })
})

/** Fails as often as asked, then does what it does. */
function failing<T>(times: number, error: Error, then: T) {
  const attempt = vi.fn(async () => {
    if (attempt.mock.calls.length <= times) throw error
    return then
  })
  return attempt
}

const shopWith = (parts: object, chain: object): Workshop =>
  ({
    store,
    node: 'node',
    workDir: dir,
    models: [],
    prices: { perToken: 1n },
    limits: { tokens: 1000, retentionSeconds: 60 },
    slots: { take: async () => ({ gpu: null, release: () => {} }) },
    chainOf: () => chain,
    chainTime: async () => 0,
    isServed: () => true,
    pollMs: 1,
    now: () => 1000,
    log: silentLogger,
    ...parts,
  }) as unknown as Workshop

/** Works on a task in this state until it has come to that one. */
async function work(shop: Workshop, from: TaskState, to: TaskState): Promise<Task> {
  await store.insert({
    ...{ id: ID, user: USER, state: from, node: 'node', wrappedKey: null, isClosed: false, runs: 0 },
    ...{ request: { trainingParams: '{"num_train_epochs":1}', datasetHash: '0x' }, order: null, model: null },
    ...{ fee: '7', delivery: { root: '0x', bytes: 1 } },
  } as unknown as Task)
  const arrived = Promise.withResolvers<void>()
  const worker = new TaskWorker(shop, (_id, state) => state === to && arrived.resolve())
  worker.drive(ID)
  await arrived.promise
  await worker.stop()
  return (await store.find(ID))!
}

const states = async () =>
  (await store.events(ID, 0)).flatMap((event) => (event.event === 'state' ? event.state : []))

describe('attempts', () => {
  it.each([
    ['the chain does not answer', new AppError({ code: 'rpc_unreachable', message: 'x', retryable: true })],
    ['something that nobody foresaw fails', new Error('x')],
  ])(
    'B17: at a settlement are made ever more rarely while %s, and the task is paid in the end',
    async (_why, error) => {
      const collect = failing(12, error, undefined)
      const standing = async () => ({ at: 'ended', end: 'paid', paid: 5n, since: 0 })
      const task = await work(shopWith({}, { collect, standing }), 'UserAcknowledged', 'Finished')
      expect(task).toMatchObject({ state: 'Finished', end: 'paid', earned: { amount: '5' } })
      expect(collect).toHaveBeenCalledTimes(13)
      expect(pauses.slice(0, 12)).toEqual([
        ...[200, 400, 800, 1600, 3200, 6400, 12_800, 25_600],
        ...[30_000, 30_000, 30_000, 30_000],
      ])
      // It never went back to an earlier state, to begin anew.
      expect(await states()).toEqual(['UserAcknowledged', 'Finished'])
    },
  )

  const refund = async () => null
  const standing = async () => ({ at: 'nothing' })

  it('B18: to set up are counted for themselves: after five the task has failed', async () => {
    const openInto = failing(99, new Error('x'), 8)
    const shop = shopWith({ datasets: { openInto } }, { refund, standing })
    const task = await work(shop, 'SettingUp', 'Failed')
    expect(task.failure).toEqual({ code: 'internal', reason: 'The provider failed' })
    expect(openInto).toHaveBeenCalledTimes(5)
    expect(await states()).toEqual(['SettingUp', 'Failed'])
  })

  it('B18: that failed at one step leave the next one its own', async () => {
    const openInto = failing(4, new Error('x'), 8)
    const take = failing(4, new Error('x'), { gpu: null, release: () => {} })
    const shop = shopWith({ datasets: { openInto }, slots: { take } }, { assertPayable: async () => {} })
    const task = await work(shop, 'SettingUp', 'Training')
    expect(task.failure ?? null).toBeNull()
    expect([openInto.mock.calls.length, take.mock.calls.length]).toEqual([5, 5])
    expect(await states()).toEqual(['SettingUp', 'SetUp', 'Training'])
  })

  it('B18: that the chain made fail are no fault of the task, however many', async () => {
    const error = new AppError({ code: 'rpc_unreachable', message: 'x', retryable: true })
    const assertPayable = failing(40, error, undefined)
    const shop = shopWith({ datasets: { openInto: async () => 8 } }, { assertPayable })
    expect((await work(shop, 'SettingUp', 'SetUp')).state).toMatch(/^SetUp|Training$/)
    expect(assertPayable.mock.calls.length).toBeGreaterThan(40)
  })
})

it('a task of another broker on the same database is left to it', async () => {
  const refund = vi.fn(async () => null)
  const worker = new TaskWorker(shopWith({}, { refund, standing: async () => ({ at: 'nothing' }) }))
  const cancelled = {
    id: ID,
    user: USER,
    state: 'Failed',
    node: 'another',
    wrappedKey: null,
    isClosed: false,
  }
  await store.insert({ ...cancelled, runs: 0 } as unknown as Task)
  await worker.changed(ID)
  for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done))
  await worker.stop()
  expect(refund).not.toHaveBeenCalled()
  expect(await store.find(ID)).toMatchObject({ isClosed: false })
})
