import { spawn } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../src/base/hex.ts'
import { findFineTuningAccount } from '../../src/chain/fineTuning.ts'
import { readEscrowEnding } from '../../src/chain/taskEscrow.ts'
import { clientAt, newFolder, smallTask } from './clientAt.ts'
import { type ChildOrder, type Kill, STEPS } from './clientChild.ts'
import { hasTrainer } from './provider/taskClient.ts'
import { startTuner, type Tuner } from './provider/tuner.ts'

/** Once the acceptance is on chain nothing writes it down again: there is no "after" to come to. */
const KILLS: readonly Kill[] = STEPS.flatMap((step): Kill[] =>
  step === 'acknowledged'
    ? [{ when: 'before', step }]
    : [
        { when: 'before', step },
        { when: 'after', step },
      ],
)
const CHILD = join(import.meta.dirname, 'clientChild.ts')

/** One task, whose client is killed before and after it writes down each step. */
describe.skipIf(!hasTrainer)('client: kill -9 at every step', { timeout: 300_000 }, () => {
  const folder = newFolder()
  const request = smallTask(folder)
  let tuner: Tuner

  beforeAll(async () => {
    tuner = await startTuner()
  }, 120_000)
  afterAll(() => tuner?.stop())

  const runChild = (kill: Kill | null): Promise<NodeJS.Signals | number | null> => {
    const { network, user } = tuner.world
    const order: ChildOrder = { network, privateKey: user.privateKey, folder, request, kill }
    const file = join(folder, 'order.json')
    writeFileSync(file, JSON.stringify(order))
    const child = spawn(process.execPath, [CHILD, file], { stdio: ['ignore', 'ignore', 'inherit'] })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve(signal ?? code))
    })
  }
  const balance = async () => {
    const { contract, address, world } = tuner.client
    return (await findFineTuningAccount(contract, address, world.provider.address as Address))!.balance
  }

  it('ends with the model here, and paid once', async () => {
    const before = await balance()
    for (const kill of KILLS) expect([kill, await runChild(kill)]).toEqual([kill, 'SIGKILL'])
    const { finetune } = await clientAt(tuner.world, folder)
    const task = await finetune.find(undefined)
    expect(task).toMatchObject({ decrypted: true, ended: null })
    expect(readdirSync(task.output)).toContain('adapter_model.safetensors')
    const ending = await readEscrowEnding(tuner.client.contract, task.order!, task.fromBlock)
    expect(ending).toMatchObject({ end: 'Paid', paid: BigInt(task.maxFee) })
    expect(before - (await balance())).toBe(BigInt(task.maxFee))
    const listed = await fetch(`${tuner.client.base}/user/${tuner.client.address}/task`)
    expect(await listed.json()).toHaveLength(1)
  })

  it('leaves no second order, and no part of a file', async () => {
    const { finetune } = await clientAt(tuner.world, folder)
    const [task, ...others] = await finetune.tasks()
    expect(others).toEqual([])
    await finetune.finish(task!.key)
    expect(readdirSync(join(folder, 'finetune', task!.key)).sort()).toEqual(['lock', 'task.json'])
    expect(readdirSync(folder).filter((name) => /\.(part|zip)/.test(name))).toEqual([])
  })
})
