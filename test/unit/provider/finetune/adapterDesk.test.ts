import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../../../src/base/log.ts'
import { AdapterDesk } from '../../../../src/provider/finetune/adapters/adapterDesk.ts'
import type {
  AdapterStore,
  DeployedAdapter,
} from '../../../../src/provider/finetune/adapters/adapterStore.ts'
import type { Task } from '../../../../src/provider/finetune/task.ts'
import type { Workshop } from '../../../../src/provider/finetune/workshop.ts'

const USER = `0x${'11'.repeat(20)}` as const

const finished = (index: number, change: Partial<Task> = {}) =>
  ({
    id: `${index}eb6f0d8-4660-4c62-988d-00246ce913d2`,
    user: USER,
    state: 'Finished',
    model: 'base',
    wrappedKey: 'ab',
    delivery: { root: '0x1', kind: 'adapter', gguf: true },
    ...change,
  }) as Task

function deskWith(
  tasks: readonly Task[],
  gguf: string | null = '/base.gguf',
  now: () => number = () => 0,
  onLoad: () => void = () => {},
): AdapterDesk {
  const shop = {
    node: 'node',
    workDir: '/tmp/nowhere',
    log: silentLogger,
    now,
    models: [{ name: 'base', gguf }],
    store: { ofUser: async () => tasks, find: async (id: string) => tasks.find((task) => task.id === id) },
    vault: { has: () => true, taskPath: () => '/nowhere/at/all' },
    keys: {
      open() {
        onLoad()
        return new Uint8Array(32)
      },
    },
  } as unknown as Workshop
  const rows = new Map<string, DeployedAdapter>()
  const store = {
    put: async (row: DeployedAdapter) => void rows.set(row.task, row),
    remove: async (task: string) => void rows.delete(task),
    all: async () => [...rows.values()],
  } as unknown as AdapterStore
  return new AdapterDesk(shop, store)
}

describe('models of customers', () => {
  it('are listed once they can be served', async () => {
    const names = async (task: Task, gguf?: string | null) => {
      const found = await deskWith([task], gguf).list(USER)
      return found.map(({ adapterName }) => adapterName)
    }
    expect(await names(finished(1))).toEqual(['ft-base-1eb6f0d8-466'])
    expect(await names(finished(1, { state: 'Delivered' }))).toEqual([])
    expect(await names(finished(1), null)).toEqual([])
    const whole = { root: '0x1', kind: 'model', gguf: true } as unknown as Task['delivery']
    expect(await names(finished(1, { model: null, delivery: whole }), null)).toEqual([
      'ft-scratch-1eb6f0d8-466',
    ])
    expect(await names(finished(1, { delivery: { ...whole!, gguf: false } }))).toEqual([])
  })

  it('make room when nobody asked for them for an hour, the idlest first', async () => {
    let minutes = 0
    const tasks = Array.from({ length: 9 }, (_, index) => finished(index))
    const desk = deskWith(tasks, '/base.gguf', () => minutes * 60_000)
    const names = (await desk.list(USER)).map(({ adapterName }) => adapterName)
    for (const name of names.slice(0, 8)) {
      await desk.deploy(USER, name)
      minutes++
    }
    desk.clientOf(names[0]!)
    minutes = 61
    await expect(desk.deploy(USER, names[8]!)).resolves.toMatchObject({ state: 'loading' })
    expect((await desk.find(USER, names[0]!)).state).not.toBe('ready')
    expect((await desk.find(USER, names[1]!)).state).toBe('ready')
  })

  it('are served up to a number, and one that cannot be loaded says so', async () => {
    const desk = deskWith(Array.from({ length: 9 }, (_, index) => finished(index)))
    const names = (await desk.list(USER)).map(({ adapterName }) => adapterName)
    for (const name of names.slice(0, 8)) expect((await desk.deploy(USER, name)).state).toBe('loading')
    await expect(desk.deploy(USER, names[8]!)).rejects.toMatchObject({
      code: 'adapters_full',
      retryable: true,
    })
    await expect(desk.deploy(USER, 'ft-none')).rejects.toMatchObject({ code: 'adapter_not_found' })
    await expect.poll(async () => (await desk.find(USER, names[0]!)).state).toBe('failed')
    expect(await desk.find(USER, names[0]!)).toMatchObject({ error: 'The engine could not load it' })
    expect([desk.modelsOf(USER), desk.servedAs(finished(0).id), desk.isServed(finished(0))]).toEqual([
      [],
      null,
      false,
    ])
  })

  it('are loaded once, and no more of them than the number, when several ask at once', async () => {
    let loads = 0
    const tasks = Array.from({ length: 9 }, (_, index) => finished(index))
    const desk = deskWith(tasks, '/base.gguf', undefined, () => loads++)
    const names = (await desk.list(USER)).map(({ adapterName }) => adapterName)
    const twice = [...names, ...names].map((name) => desk.deploy(USER, name))
    const refused = (await Promise.allSettled(twice)).filter(({ status }) => status === 'rejected')
    expect(refused).toMatchObject([{ reason: { code: 'adapters_full' } }, { reason: {} }])
    await desk.start()
    expect(loads).toBe(8)
    await desk.stop()
  })

  it('are loaded no more once the broker stops', async () => {
    let loads = 0
    const desk = deskWith([finished(1)], '/base.gguf', undefined, () => loads++)
    const deploying = desk.deploy(USER, 'ft-base-1eb6f0d8-466')
    await desk.stop()
    await deploying
    expect(loads).toBe(0)
  })
})
