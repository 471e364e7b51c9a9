import type { Contract } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { hexToBytes } from '../../../src/base/hex.ts'
import { findDeliverable, modelRootsOf } from '../../../src/chain/fineTuning.ts'
import { eciesDecrypt } from '../../../src/protocol/finetune/ecies.ts'
import { createTaskDigest } from '../../../src/protocol/finetune/signatures.ts'
import { datasetOf, hasTrainer, type TaskClient } from './taskClient.ts'
import { startTuner, type Tuner, trainingsOf } from './tuner.ts'

/** What clients of the deployed network send: exactly its five parameters. */
const FIVE = {
  neftune_noise_alpha: 5,
  num_train_epochs: 1,
  per_device_train_batch_size: 4,
  learning_rate: 0.001,
  max_steps: 2,
}

let tuner: Tuner
let client: TaskClient

beforeAll(async () => {
  if (!hasTrainer) return
  tuner = await startTuner({}, 'theirs')
  client = tuner.client
  const owner = client.contract.connect(tuner.world.anvil.wallets.at(-1)!) as Contract
  const acknowledged = owner.getFunction('acknowledgeTEESignerByOwner')
  await (await acknowledged(tuner.world.provider.address)).wait()
}, 120_000)

afterAll(() => tuner?.stop())

describe.skipIf(!hasTrainer)('the deployed contract and its clients', () => {
  it('get a deliverable, acknowledge it, and are settled once; the secret opens for the user', async () => {
    const provider = tuner.world.provider.address as Address
    const before = await client.money()
    const options = { dataset: datasetOf(12), deployed: true, spec: { parameters: JSON.stringify(FIVE) } }
    const { id, order } = await client.create(options)
    expect(order).toBeNull()
    const { body: second } = await client.draft({ ...options, dataset: datasetOf(14) })
    expect(await codeOf(await client.createFrom(second))).toBe('tasks_unfinished')
    const delivered = await client.until(id, ['Delivered'])
    expect(delivered).toMatchObject({ progress: 'Delivered', userAddress: client.address })
    const waiting = (await findDeliverable(client.contract, client.address, provider, id))!
    expect(modelRootsOf(waiting.modelRootHash)).toEqual([delivered.artifact!.root])
    const next = await client.draft({ ...options, dataset: datasetOf(13) })
    expect(await codeOf(await client.createFrom(next.body))).toBe('delivery_unanswered')
    await client.transact('acknowledgeDeliverable', provider, id)
    const finished = await client.until(id, ['Finished'])
    expect(finished.progress).toBe('Finished')
    const settled = (await findDeliverable(client.contract, client.address, provider, id))!
    expect(settled).toMatchObject({ acknowledged: true, settled: true })
    const key = await eciesDecrypt(hexToBytes(client.wallet.privateKey), hexToBytes(settled.encryptedSecret))
    expect(key).toHaveLength(32)
    const after = await client.money()
    expect(before.account - after.account).toBe(BigInt(finished.fee))
    expect(await trainingsOf(tuner)).toMatchObject([{ tasks: 1, paid: BigInt(finished.fee) }])

    const { datasetHash } = next.body as { datasetHash: string }
    const signature = await client.sign(createTaskDigest(client.address, 1n, datasetHash))
    expect(await codeOf(await client.createFrom({ ...next.body, nonce: '1', signature }))).toBe('nonce_used')
  }, 240_000)

  it('refuses what it cannot be paid for before anything is trained', async () => {
    const { body } = await client.draft({ dataset: datasetOf(5), deployed: true })
    for (const [change, code] of [
      [{ nonce: '1' }, 'signature_invalid'],
      [{ userAddress: tuner.world.provider.address }, 'task_invalid'],
      [{ trainingParams: '{"num_train_epochs":0}' }, 'parameter_out_of_range'],
      [{ trainingParams: '[]' }, 'parameter_invalid'],
      [{ preTrainedModelHash: `0x${'1'.repeat(64)}` }, 'model_unknown'],
    ] as const) {
      expect(await codeOf(await client.createFrom({ ...body, ...change }))).toBe(code)
    }
  })
})

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { error: { code: string } }).error.code
}
