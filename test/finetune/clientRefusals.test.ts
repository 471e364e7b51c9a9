import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { VoidSigner } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_POLICY } from '../../src/attestation/policy.ts'
import { connect } from '../../src/chain/rpc.ts'
import { Compute } from '../../src/client/compute.ts'
import { FineTuning } from '../../src/client/finetune/fineTuning.ts'
import type { TrainRequest } from '../../src/client/finetune/plan.ts'
import { nodeRuntime } from '../../src/client/nodeRuntime.ts'
import { memoryReceiptStore } from '../../src/client/receipts/memoryReceiptStore.ts'
import type { Runtime } from '../../src/client/runtime.ts'
import { startWorld } from '../support/world.ts'
import { APPROVE, clientAt, codeOf, newFolder, smallTask, withAnswers } from './clientAt.ts'
import { hasTrainer } from './provider/taskClient.ts'
import { startTuner, type Tuner } from './provider/tuner.ts'

/** Nothing here costs anything, and each fault has a code of its own. */
describe.skipIf(!hasTrainer)('client: refused before money moves', { timeout: 60_000 }, () => {
  const folder = newFolder()
  let tuner: Tuner
  const plan = async (change: Partial<TrainRequest>, runtime?: Runtime) => {
    const { finetune } = await clientAt(tuner.world, folder, runtime)
    return codeOf(finetune.plan(smallTask(folder, change)))
  }
  const dataset = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content)
    return { dataset: { path: join(folder, name) } }
  }
  const line = JSON.stringify({ instruction: 'a?', output: 'b' })

  beforeAll(async () => {
    tuner = await startTuner()
  }, 120_000)
  afterAll(() => tuner?.stop())

  it('for a dataset that cannot be read', async () => {
    expect(await plan({ dataset: { path: folder } })).toBe('dataset_unreadable')
    expect(await plan(dataset('empty.jsonl', ''))).toBe('dataset_empty')
    const latin1 = Buffer.from(`${line}\n{"text":"\xe9"}`, 'latin1')
    expect(await plan(dataset('latin1.jsonl', latin1))).toBe('dataset_not_utf8')
    expect(await plan(dataset('broken.jsonl', `${line}\n${line}\n{"instruction":\n${line}`))).toBe(
      'dataset_line_broken',
    )
    expect(await plan(dataset('mixed.jsonl', `${line}\n{"text":"a"}`))).toBe('dataset_mixed_formats')
    expect(await plan({ dataset: { path: join(folder, 'none.jsonl') } })).toBe('dataset_unreadable')
  })

  it('for a dataset over the limit', async () => {
    const small = (text: string) => text.replace(/"datasetBytes":\d+/, '"datasetBytes":10')
    expect(await plan({}, withAnswers(/capabilities$/, small))).toBe('dataset_over_limit')
    const short = (text: string) => text.replace(/"tokens":\d+/, '"tokens":10')
    expect(await plan({}, withAnswers(/capabilities$/, short))).toBe('dataset_over_limit')
  })

  it('for an order that nobody takes', async () => {
    expect(await plan({ model: 'no-such-model' })).toBe('base_model_unknown')
    expect(await plan({ method: 'qlora' })).toBe('method_not_offered')
    expect(await plan({ provider: `0x${'1'.repeat(40)}` })).toBe('finetune_provider_unknown')
    expect(await plan({ parameters: { learning_rate: 5 } })).toBe('parameter_out_of_range')
    expect(await plan({ parameters: { learning_rat: 0.001 } })).toBe('parameter_unknown')
    expect(await plan({ parameters: { num_train_epochs: 1.5 } })).toBe('parameter_invalid')
    expect(await plan({ maxFee: 1n })).toBe('max_fee_exceeded')
    expect(await plan({ trainWithinSeconds: 1 })).toBe('window_too_short')
    expect(await plan({ acknowledgeWithinSeconds: 31 * 86_400 })).toBe('window_too_long')
    expect(await plan({ place: '0g-storage', store: { put: async () => '0x' } })).toBe(
      'dataset_place_not_offered',
    )
    const network = (text: string) => text.replace('"profile":"wide"', '"profile":"network"')
    const outside = { parameters: { num_train_epochs: 11 } }
    expect(await plan(outside, withAnswers(/capabilities$/, network))).toBe('parameter_out_of_range')
  })

  it('for a tokenizer that is not the one named', async () => {
    const other = withAnswers(/files\/tokenizer.json$/, (text) => `${text} `)
    expect(await plan({}, other)).toBe('tokenizer_differs')
    const none = withAnswers(/model$/, (text) =>
      text.replace(/"sha256":"[0-9a-f]{64}"/g, `"sha256":"${HASH_OF_X}"`),
    )
    const noJson = withAnswers(/files\/.*$/, () => 'x', none)
    expect(await plan({}, noJson)).toBe('tokenizer_unreadable')
  })

  it('for terms that the quote does not vouch for', async () => {
    const other = `"datasetKey":"04${'a'.repeat(128)}"`
    const swap = (text: string) => text.replace(/"datasetKey":"[0-9a-f]+"/, other)
    expect(await plan({}, withAnswers(/capabilities$/, swap))).toBe('provider_rejected')
    // What the first look saw is not what the evidence was judged by.
    const once = withAnswers(/capabilities$/, (text, nth) => (nth === 0 ? swap(text) : text))
    expect(await plan({}, once)).toBe('terms_not_bound')
  })

  it('for evidence that is not whole, unless that is enough', async () => {
    const policy = { ...DEFAULT_POLICY, gpu: 'required' } as const
    expect(await plan({ policy })).toBe('provider_rejected')
    const report = { ...DEFAULT_POLICY, tls: 'report' } as const
    expect(await plan({ policy: report })).toBe('provider_unverified')
    expect(await plan({ policy: report, acceptIncomplete: true })).toBe('none')
  })

  it('without approval, and then nothing is noted', async () => {
    const { finetune } = await clientAt(tuner.world, folder)
    expect(await codeOf(finetune.create(smallTask(folder), {}))).toBe('task_not_approved')
    expect(await finetune.tasks()).toEqual([])
    expect(await codeOf(finetune.find(undefined))).toBe('task_unknown')
  })

  it('for a wallet that does not show its key, and a client without files', async () => {
    const { network, user } = tuner.world
    const rpc = await connect(network)
    const parts = {
      network,
      rpc,
      runtime: nodeRuntime(),
      receipts: memoryReceiptStore(),
      account: { address: user.address as `0x${string}`, signer: () => new VoidSigner(user.address, rpc) },
    }
    expect(() => new Compute(parts).finetune).toThrow(/keeps files/)
    const compute = new Compute({
      ...parts,
      finetune: (session, tokens) => new FineTuning(session, tokens, folder),
    })
    expect(await codeOf(compute.finetune.create(smallTask(folder), APPROVE))).toBe('raw_key_needed')
  })

  it('for a task that was never sent', async () => {
    const { finetune } = await clientAt(
      tuner.world,
      folder,
      withAnswers(/dataset$/, () => '{}'),
    )
    expect(await codeOf(finetune.create(smallTask(folder), APPROVE))).toBe('provider_answer_malformed')
    const task = await finetune.find(undefined)
    expect(task).toMatchObject({ taskId: null, uploaded: false })
    const { provider, datasetPath } = task
    await expect(finetune.cancel(task, {})).rejects.toMatchObject({
      code: 'task_not_submitted',
      next: `0g-compute finetune create --model 0g-compute-demo --dataset ${datasetPath} --provider ${provider} --method lora --param num_train_epochs=1,per_device_train_batch_size=4,learning_rate=0.001`,
    })
  })

  it('for an order that is not ours on chain', async () => {
    const elsewhere = newFolder()
    const { finetune } = await clientAt(tuner.world, folder)
    const task = await finetune.create(smallTask(folder), APPROVE)
    const other = withAnswers(/task\/[0-9a-f-]+$/, (text) =>
      text.replace(/"order":"0x[0-9a-f]{64}"/, `"order":"0x${'5'.repeat(64)}"`),
    )
    const there = (await clientAt(tuner.world, elsewhere, other)).finetune
    expect(await codeOf(there.adopt(task.provider, task.taskId!, elsewhere))).toBe('task_order_changed')
    expect(await there.tasks()).toEqual([])
    expect(await finetune.cancel(task, {})).toMatchObject({ how: 'cancelled' })
  })

  it('where nobody offers it', async () => {
    const empty = await startWorld()
    try {
      const { finetune } = await clientAt(empty, folder)
      expect(await codeOf(finetune.plan(smallTask(folder)))).toBe('no_finetune_provider')
    } finally {
      await empty.stop()
    }
  })
})

/** sha256 of "x". */
const HASH_OF_X = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'
