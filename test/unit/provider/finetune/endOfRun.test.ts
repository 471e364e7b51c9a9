import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openLocalTrainer } from '../../../../src/provider/finetune/trainer/localTrainer.ts'
import { openRayTrainer } from '../../../../src/provider/finetune/trainer/rayTrainer.ts'
import { follow } from '../../../../src/provider/finetune/worker/train.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'zg-run-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const job = () => ({ id: 'beb6f0d8-4660-4c62-988d-00246ce913d2', folder: dir, gpus: [] })
const never = new AbortController().signal
const keeping = async () => {}

/** In Python's place: says one thing, then goes on until it is asked to end. */
const ENDLESS = `#!/bin/sh
trap 'exit 75' TERM
echo '{"event":"started"}'
while [ "$1" = -m ]; do sleep 1 & wait $!; done
`

it.runIf(process.platform === 'linux')(
  'a run whose progress cannot be kept is ended',
  async () => {
    const python = join(dir, 'python')
    writeFileSync(python, ENDLESS)
    chmodSync(python, 0o755)
    const trainer = await openLocalTrainer({ python, hide: [], readable: [] })
    const run = await trainer.start(job())
    const addEvent = async () => {
      throw new Error('the database is away')
    }
    const following = follow(run, { id: 'a task' }, { shop: { store: { addEvent } }, signal: never }, 600)
    await expect(following).rejects.toThrow('the database is away')
    expect(await run.exited).toMatchObject({ code: 75 })
  },
  60_000,
)

it('a cluster that does not stop a run makes the step fail, and nothing else', async () => {
  const cluster = createServer((req, res) => {
    const isStop = req.url!.endsWith('/stop')
    res.writeHead(isStop ? 500 : 200).end(JSON.stringify({ status: 'RUNNING', logs: '' }))
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => cluster.once('listening', listening))
  try {
    const address = `http://127.0.0.1:${(cluster.address() as AddressInfo).port}`
    const trainer = await openRayTrainer({ address, python: 'python' })
    const run = await trainer.start(job())
    const context = { shop: { store: { addEvent: keeping } }, signal: AbortSignal.abort() }
    await expect(follow(run, { id: 'a task' }, context, 600)).rejects.toMatchObject({ code: 'ray_refused' })
  } finally {
    cluster.closeAllConnections()
    cluster.close()
  }
})
