import { existsSync, readdirSync } from 'node:fs'
import type { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findDeliverable, findFineTuningAccount, modelRootsOf } from '../../src/chain/fineTuning.ts'
import type { LocalTask } from '../../src/client/finetune/localTask.ts'
import { APPROVE, clientAt, codeOf, newFolder, smallTask, withAnswers } from './clientAt.ts'
import { hasTrainer } from './provider/taskClient.ts'
import { startTuner, type Tuner } from './provider/tuner.ts'

/** The bytecode of the live network: no escrow, deliverables and acknowledgements instead. */
describe.skipIf(!hasTrainer)('client: a task by the deployed rules', { timeout: 240_000 }, () => {
  const folder = newFolder()
  let tuner: Tuner
  let task: LocalTask
  const deliverable = () => findDeliverable(tuner.client.contract, task.user, task.provider, task.taskId!)
  const balance = async () =>
    (await findFineTuningAccount(tuner.client.contract, task.user, task.provider))!.balance

  beforeAll(async () => {
    tuner = await startTuner({}, 'theirs')
    await acknowledgeSigner(tuner)
    const { finetune } = await clientAt(tuner.world, folder)
    task = await finetune.create(smallTask(folder), APPROVE)
    await tuner.client.until(task.taskId!, ['Delivered'])
  }, 240_000)
  afterAll(() => tuner?.stop())

  it('has no order, and says so before', async () => {
    const { finetune } = await clientAt(tuner.world, folder)
    expect(task.order).toBeNull()
    expect(await finetune.plan(smallTask(folder))).toMatchObject({ escrow: false, penaltyPercent: 30 })
    const found = await deliverable()
    expect(found).toMatchObject({ acknowledged: false, settled: false, encryptedSecret: '0x' })
    expect(modelRootsOf(found!.modelRootHash)).toHaveLength(1)
  })

  it('checks the file, acknowledges, and decrypts with the key of the settlement', async () => {
    const before = await balance()
    const { finetune } = await clientAt(tuner.world, folder)
    const done = await finetune.finish(task.key)
    expect(done).toMatchObject({ decrypted: true, acknowledged: true })
    expect(readdirSync(task.output)).toContain('adapter_model.safetensors')
    const found = await deliverable()
    expect(found).toMatchObject({ acknowledged: true, settled: true })
    expect(modelRootsOf(found!.modelRootHash)).toContain(done.checkedRoot)
    expect(before - (await balance())).toBe(BigInt(task.maxFee))
  })

  it('can be gone on with on another machine', async () => {
    const elsewhere = newFolder()
    const { finetune } = await clientAt(tuner.world, elsewhere)
    const adopted = await finetune.adopt(task.provider, task.taskId!, `${elsewhere}/model`)
    expect(await finetune.finish(adopted.key)).toMatchObject({ decrypted: true })
    expect(existsSync(`${elsewhere}/model/adapter_model.safetensors`)).toBe(true)
    expect((await finetune.adopt(task.provider, task.taskId!, elsewhere)).key).toBe(adopted.key)
  })
})

describe.skipIf(!hasTrainer)(
  'client: what the deployed rules leave to the provider',
  { timeout: 240_000 },
  () => {
    const folder = newFolder()
    let tuner: Tuner

    beforeAll(async () => {
      tuner = await startTuner({ ackSeconds: 2 }, 'theirs')
      await acknowledgeSigner(tuner)
    }, 120_000)
    afterAll(() => tuner?.stop())

    it('is cancelled when the provider asks for more than was counted', async () => {
      const dearer = withAnswers(/task\/[0-9a-f-]+$/, (text) =>
        text
          .replace(/"fee":"\d+"/, '"fee":"9000000000000000000"')
          .replace(/"progress":"\w+"/, '"progress":"SetUp"'),
      )
      const { finetune } = await clientAt(tuner.world, folder, dearer)
      const task = await finetune.create(smallTask(folder), APPROVE)
      expect(await codeOf(finetune.finish(task.key))).toBe('fee_raised')
      await tuner.client.until(task.taskId!, ['Failed'])
    })

    it('costs the penalty and the key when nothing is acknowledged in time', async () => {
      const { finetune } = await clientAt(tuner.world, folder)
      const task = await finetune.create(smallTask(folder, { seed: 8 }), APPROVE)
      await tuner.client.until(task.taskId!, ['Finished', 'Failed'])
      expect(await codeOf(finetune.finish(task.key))).toBe('task_not_acknowledged')
      expect((await finetune.find(task.key)).ended?.code).toBe('task_not_acknowledged')
      expect(existsSync(task.output)).toBe(false)
    })
  },
)

/** The owner of the live network's contract is the last of the chain's wallets. */
async function acknowledgeSigner({ client, world }: Tuner): Promise<void> {
  const owned = client.contract.connect(world.anvil.wallets.at(-1)!) as Contract
  await (await owned.getFunction('acknowledgeTEESignerByOwner')(world.provider.address)).wait()
}
