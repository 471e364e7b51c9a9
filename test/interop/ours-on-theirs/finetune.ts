import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Contract } from 'ethers'
import { findDeliverable, findFineTuningAccount, modelRootsOf } from '../../../src/chain/fineTuning.ts'
import type { Compute } from '../../../src/client/compute.ts'
import type { LocalTask } from '../../../src/client/finetune/localTask.ts'
import { APPROVE, clientAt, newFolder, smallTask } from '../../finetune/clientAt.ts'
import { startTuner, type Tuner } from '../../finetune/provider/tuner.ts'
import { type Rows, suiteOf } from '../support/suite.ts'

/** The live network's bytecode, our broker with the trainer, our client. The task of one row is gone on with in the next. */
interface Scene extends Tuner {
  readonly compute: Compute
  readonly folder: string
  task: LocalTask | null
}

async function openScene(): Promise<Scene> {
  const tuner = await startTuner({}, 'theirs')
  const folder = newFolder()
  const compute = await clientAt(tuner.world, folder)
  return {
    ...tuner,
    compute,
    folder,
    task: null,
    async stop() {
      await compute.close()
      await tuner.stop()
    },
  }
}

const deliverableOf = ({ client, task }: Scene) =>
  findDeliverable(client.contract, task!.user, task!.provider, task!.taskId!)

const rows: Rows<Scene> = {
  async registration({ client, world }) {
    const owner = client.contract.connect(world.anvil.wallets.at(-1)!) as Contract
    await (await owner.getFunction('acknowledgeTEESignerByOwner')(world.provider.address)).wait()
    const service = await client.contract.getFunction('getService')(world.provider.address)
    assert.equal(service.teeSignerAcknowledged, true)
    return 'registered with its stake, signer acknowledged by the owner'
  },
  async plan({ compute, folder }) {
    const plan = await compute.finetune.plan(smallTask(folder))
    assert.deepEqual([plan.escrow, plan.penaltyPercent], [false, 30])
    assert(plan.fee > 0n)
    return `${plan.tokens} tokens, ${plan.fee} neuron; no escrow there, and the plan says so`
  },
  async create(scene) {
    scene.task = await scene.compute.finetune.create(smallTask(scene.folder), APPROVE)
    assert.equal(scene.task.order, null)
    return 'dataset uploaded, task created'
  },
  async delivery(scene) {
    await scene.client.until(scene.task!.taskId!, ['Delivered'])
    const found = await deliverableOf(scene)
    assert.deepEqual([found?.acknowledged, found?.settled, found?.encryptedSecret], [false, false, '0x'])
    return 'trained; the root of the sealed model is on chain'
  },
  async decryption(scene) {
    const { compute, task, client } = scene
    const before = (await findFineTuningAccount(client.contract, task!.user, task!.provider))!.balance
    const done = await compute.finetune.finish(task!.key)
    assert.equal(done.decrypted, true)
    assert(existsSync(join(done.output, 'adapter_model.safetensors')))
    const found = await deliverableOf(scene)
    assert.deepEqual([found?.acknowledged, found?.settled], [true, true])
    assert(modelRootsOf(found!.modelRootHash).includes(done.checkedRoot!))
    const after = (await findFineTuningAccount(client.contract, task!.user, task!.provider))!.balance
    assert.equal(before - after, BigInt(task!.maxFee))
    return 'hash checked, acknowledged, settled, decrypted with the key of the settlement'
  },
}

export const finetune = suiteOf('ours-on-theirs', 'finetune', openScene, rows, true)
