import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keccak256 } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Hex, hexToBytes } from '../../../src/base/hex.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { readEscrowEnding, readEscrowTask } from '../../../src/chain/taskEscrow.ts'
import { eciesDecrypt } from '../../../src/protocol/finetune/ecies.ts'
import { decryptArtifact } from '../../../src/storage/artifact/decryptArtifact.ts'
import { rootOfFile } from '../../../src/storage/merkle/rootOf.ts'
import { canaryIn } from './canary.ts'
import { datasetOf, hasTrainer, PRICE_PER_TOKEN, type TaskClient } from './taskClient.ts'
import { startTuner, type Tuner, trainingsOf } from './tuner.ts'

const CANARY = 'quicksilver-4711'

let tuner: Tuner
let client: TaskClient
let dir: string

beforeAll(async () => {
  if (!hasTrainer) return
  dir = mkdtempSync(join(tmpdir(), 'zg-delivery-'))
  tuner = await startTuner()
  client = tuner.client
}, 120_000)

afterAll(async () => {
  await tuner?.stop()
  if (dir) rmSync(dir, { recursive: true, force: true })
})

describe.skipIf(!hasTrainer)('a task in escrow', () => {
  it('is trained, delivered, accepted and paid, opens with the published key, and leaves nothing in plain text', async () => {
    const before = await client.money()
    const { id, order } = await client.create({ dataset: datasetOf(12, CANARY), maxFee: ONE_0G })
    const training = await client.until(id, ['Training'])
    expect(training.progress).toBe('Training')
    const whileTraining = canaryIn(tuner.world.dir, CANARY)
    const delivered = await client.until(id, ['Delivered'])
    expect(delivered).toMatchObject({ progress: 'Delivered', method: 'lora', model: '0g-compute-demo' })
    expect(BigInt(delivered.fee)).toBe(BigInt(delivered.tokens!) * 2n * PRICE_PER_TOKEN)
    expect(delivered.metrics).toMatchObject({ step: 6, steps: 6, loss: expect.any(Number) })
    expect([...whileTraining, ...canaryIn(tuner.world.dir, CANARY), ...canaryIn('/dev/shm', CANARY)]).toEqual(
      [],
    )

    const sealed = join(dir, 'sealed')
    const first = Buffer.from(await (await client.download(id)).arrayBuffer())
    const rest = await client.download(id, { range: 'bytes=1000-' })
    expect([rest.status, rest.headers.get('etag')]).toEqual([206, `"${delivered.artifact!.root}"`])
    expect(Buffer.from(await rest.arrayBuffer()).equals(first.subarray(1000))).toBe(true)
    const beyond = await client.download(id, { range: `bytes=${first.length}-` })
    expect(await beyond.json()).toMatchObject({ error: { code: 'range_invalid' } })
    writeFileSync(sealed, first)
    expect(await rootOfFile(sealed)).toBe(delivered.artifact!.root)
    expect(await readEscrowTask(client.contract, order!)).toMatchObject({
      modelRoot: delivered.artifact!.root,
      keyHash: delivered.artifact!.keyHash,
    })

    await client.transact('acceptTask', order)
    const finished = await client.until(id, ['Finished'])
    expect(finished.progress).toBe('Finished')
    const ending = (await readEscrowEnding(client.contract, order!, 0))!
    expect(ending).toMatchObject({ end: 'Paid', paid: BigInt(finished.fee) })
    expect(await trainingsOf(tuner)).toMatchObject([
      { model: '0g-compute-demo', tasks: 1, tokens: finished.tokens, paid: ending.paid },
    ])
    expect(keccak256(ending.encryptedKey!)).toBe(delivered.artifact!.keyHash)
    const after = await client.money()
    expect(before.account + before.ledger - after.account - after.ledger).toBe(BigInt(finished.fee))

    const key = await eciesDecrypt(hexToBytes(client.wallet.privateKey), hexToBytes(ending.encryptedKey!))
    const target = join(dir, 'model.zip')
    const { signer } = await readEscrowTask(client.contract, order!)
    await decryptArtifact({ source: sealed, target, key, signer })
    const zip = readFileSync(target).toString('latin1')
    for (const name of ['adapter_model.safetensors', 'adapter_config.json', 'adapter.gguf', 'README.md'])
      expect(zip).toContain(name)
  }, 240_000)

  it('is rejected: the stated penalty, the rest back, no key, and the files destroyed', async () => {
    const before = await client.money()
    const [earned] = await trainingsOf(tuner)
    const { id, order } = await client.create({ dataset: datasetOf(12), parameters: { max_steps: 1 } })
    const { fee } = await client.until(id, ['Delivered'])
    await client.transact('rejectTask', order)
    const failed = await client.until(id, ['Failed'])
    expect(failed.failure?.code).toBe('delivery_rejected')
    const penalty = (BigInt(fee) * 30n) / 100n
    const ending = await readEscrowEnding(client.contract, order!, 0)
    expect(ending).toMatchObject({ end: 'Rejected', paid: penalty, encryptedKey: null })
    const [trainings] = await trainingsOf(tuner)
    expect(trainings!.paid - earned!.paid).toBe(penalty)
    const after = await client.money()
    expect(before.account + before.ledger - after.account - after.ledger).toBe(penalty)
    const gone = async () => (await (await client.download(id)).text()).includes('artifact_destroyed')
    await expect.poll(gone).toBe(true)
  }, 240_000)

  it('is accepted by silence: paid once the window has passed', async () => {
    const { id, order } = await client.create({
      dataset: datasetOf(12),
      parameters: { max_steps: 1 },
      ackWindow: 2,
    })
    await client.until(id, ['Delivered'])
    await tuner.world.anvil.rpc.send('evm_increaseTime', [3])
    await tuner.world.anvil.rpc.send('evm_mine', [])
    const finished = await client.until(id, ['Finished'])
    expect(finished.progress).toBe('Finished')
    expect((await readEscrowEnding(client.contract, order as Hex, 0))?.end).toBe('Paid')
  }, 240_000)

  it('B15: is cancelled before training, it alone: nothing was paid, and nothing is left', async () => {
    const before = await client.money()
    const blocker = await client.create({ dataset: datasetOf(12), parameters: { num_train_epochs: 30 } })
    const { id } = await client.create({ dataset: datasetOf(13, CANARY) })
    expect((await client.cancel(id)).status).toBe(200)
    expect(await client.task(id)).toMatchObject({ progress: 'Failed', failure: { code: 'cancelled' } })
    await client.until(blocker.id, ['Delivered'])
    await client.transact('acceptTask', blocker.order)
    const { fee } = await client.until(blocker.id, ['Finished'])
    const after = await client.money()
    expect(before.account + before.ledger - after.account - after.ledger).toBe(BigInt(fee))
    expect((await client.cancel(blocker.id)).status).toBe(409)
  }, 240_000)
})
