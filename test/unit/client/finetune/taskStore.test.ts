import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { LocalTask } from '../../../../src/client/finetune/localTask.ts'
import { TaskStore } from '../../../../src/client/finetune/taskStore.ts'

const dir = mkdtempSync(join(tmpdir(), 'zg-tasks-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const owner = { chainId: 31337, contract: `0x${'a'.repeat(40)}`, user: `0x${'b'.repeat(40)}` } as const
const task = (key: string, change: Partial<LocalTask> = {}): LocalTask =>
  ({ v: 1, key, ...owner, createdAt: 1, taskId: null, ...change }) as LocalTask

describe('tasks of a machine', () => {
  const store = new TaskStore(dir)

  it('are found by the beginning of either id, the newest without one', async () => {
    await store.save(task('k1', { createdAt: 1, taskId: 'beb6f0d8-4660-4c62-988d-00246ce913d2' }))
    await store.save(task('k2', { createdAt: 2 }))
    expect((await store.find(owner, undefined)).key).toBe('k2')
    expect((await store.find(owner, 'BEB6')).key).toBe('k1')
    expect((await store.find(owner, 'k2')).key).toBe('k2')
    await expect(store.find(owner, 'ffff')).rejects.toMatchObject({ code: 'task_unknown' })
  })

  it('are those of one wallet at one contract', async () => {
    await store.save(task('k3', { user: `0x${'c'.repeat(40)}` }))
    await store.save(task('k4', { chainId: 1 }))
    const upper = { ...owner, user: `0x${'B'.repeat(40)}` } as const
    expect((await store.list(upper)).map(({ key }) => key)).toEqual(['k2', 'k1'])
  })

  it('leave out what is not whole', async () => {
    mkdirSync(join(dir, 'finetune', 'k5'))
    writeFileSync(join(dir, 'finetune', 'k5', 'task.json'), '{"v":1,"key":"k5"')
    expect((await store.list(owner)).map(({ key }) => key)).toEqual(['k2', 'k1'])
  })

  it('lose nothing but what was abandoned', async () => {
    mkdirSync(join(dir, 'finetune', 'old'))
    mkdirSync(join(dir, 'finetune', 'new'))
    const hoursAgo = new Date(Date.now() - 2 * 3_600_000)
    for (const key of ['old', 'k1', 'k5']) utimesSync(join(dir, 'finetune', key), hoursAgo, hoursAgo)
    await store.sweep(Date.now())
    expect(existsSync(join(dir, 'finetune', 'old'))).toBe(false)
    expect(readdirSync(join(dir, 'finetune')).sort()).toEqual(['k1', 'k2', 'k3', 'k4', 'new'])
  })

  it('are changed as they are by now: what another process wrote stays', async () => {
    const read = await store.save(task('k6'))
    await new TaskStore(dir).change(read, { decrypted: true, output: '/model' })
    expect(await store.change(read, { adapter: 'ft-base' })).toMatchObject({
      ...{ decrypted: true, output: '/model', adapter: 'ft-base' },
    })
    expect(await store.find(owner, 'k6')).toMatchObject({ decrypted: true, adapter: 'ft-base' })
  })

  it('are brought to their end by one process at a time', async () => {
    const first = store.lock({ key: 'k6' })
    expect([first === null, new TaskStore(dir).lock({ key: 'k6' })]).toEqual([false, null])
    first!.release()
    const second = store.lock({ key: 'k6' })
    expect(second).not.toBeNull()
    second!.release()
  })
})
