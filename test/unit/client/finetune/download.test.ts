import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AppError } from '../../../../src/base/errors.ts'
import { fetchSealed } from '../../../../src/client/finetune/download.ts'
import type { LocalTask } from '../../../../src/client/finetune/localTask.ts'
import type { TaskApi } from '../../../../src/client/finetune/taskApi.ts'
import { TaskStore } from '../../../../src/client/finetune/taskStore.ts'
import { UserKey } from '../../../../src/client/finetune/userKey.ts'
import { nodeRuntime } from '../../../../src/client/nodeRuntime.ts'
import type { Session } from '../../../../src/client/session.ts'
import { ZgRoot } from '../../../../src/storage/merkle/zgRoot.ts'

const SEALED = Buffer.alloc(5000, 7)
const ROOT = new ZgRoot().update(SEALED).digest()

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'zg-download-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** Answers ranges as a broker does. */
const broker = {
  async download(_user: string, _id: string, _signed: object, from: number) {
    const details = { bytes: SEALED.length }
    if (from >= SEALED.length)
      throw new AppError({ code: 'range_invalid', message: '', status: 416, details })
    const range = `bytes ${from}-${SEALED.length - 1}/${SEALED.length}`
    return {
      status: from > 0 ? 206 : 200,
      header: (name: string) => (name === 'content-range' && from > 0 ? range : null),
      body: (async function* () {
        yield SEALED.subarray(from)
      })(),
    }
  },
} as unknown as TaskApi

it.each([0, 2000, 5000])('goes on with %i of 5000 bytes, wherever it was killed', async (here) => {
  const store = new TaskStore(dir)
  const task = { key: 'k1', taskId: 'beb6f0d8-4660-4c62-988d-00246ce913d2' } as LocalTask
  await store.open(task.key)
  writeFileSync(store.path(task, 'model.sealed.part'), SEALED.subarray(0, here))
  const session = { runtime: nodeRuntime() } as Session
  const user = new UserKey(new Wallet(`0x${'1'.repeat(64)}`))
  expect(await fetchSealed(session, broker, store, user, task, [ROOT])).toBe(ROOT)
  expect(readdirSync(join(dir, 'finetune', 'k1'))).toEqual(['model.sealed'])
})
