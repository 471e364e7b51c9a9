import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readEscrowEnding, readEscrowTask } from '../../src/chain/taskEscrow.ts'
import type { LocalTask } from '../../src/client/finetune/localTask.ts'
import { nodeRuntime } from '../../src/client/nodeRuntime.ts'
import { adapterName } from '../../src/protocol/finetune/adapterName.ts'
import { APPROVE, clientAt, codeOf, newFolder, smallTask, withAnswers, withDownloads } from './clientAt.ts'
import { hasTrainer, PRICE_PER_TOKEN } from './provider/taskClient.ts'
import { startTuner, type Tuner } from './provider/tuner.ts'

/** One task from end to end, with everything between provider and user that can go wrong on the way. */
describe.skipIf(!hasTrainer)('client: a delivery', { timeout: 240_000 }, () => {
  const folder = newFolder()
  let tuner: Tuner
  let task: LocalTask
  const escrow = () => readEscrowTask(tuner.client.contract, task.order!)

  beforeAll(async () => {
    tuner = await startTuner()
    const { finetune } = await clientAt(tuner.world, folder)
    task = await finetune.create(smallTask(folder), APPROVE)
    await tuner.client.until(task.taskId!, ['Delivered'])
  }, 240_000)
  afterAll(() => tuner?.stop())

  it('created a task for exactly the fee that was counted', async () => {
    const seen = await tuner.client.task(task.taskId!)
    expect(BigInt(seen.fee)).toBe(BigInt(task.maxFee))
    expect(seen.tokens).toBe(task.tokens)
    expect(BigInt(task.maxFee)).toBe(BigInt(task.tokens) * PRICE_PER_TOKEN)
    expect((await escrow()).state).toBe('Delivered')
  })

  it('goes on with the same order when it is called again, and pays once', async () => {
    const { finetune } = await clientAt(tuner.world, folder)
    const resumed: string[] = []
    const again = await finetune.create(smallTask(folder), {
      ...APPROVE,
      onResume: ({ key }) => void resumed.push(key),
    })
    expect(again.taskId).toBe(task.taskId)
    expect(resumed).toEqual([task.key])
  })

  it('never accepts another file than the one on chain, and keeps nothing of it', async () => {
    const runtime = withDownloads(async function* (body) {
      for await (const bytes of body) yield Uint8Array.from(bytes, (byte, i) => (i === 200 ? byte ^ 1 : byte))
    })
    const { finetune } = await clientAt(tuner.world, folder, runtime)
    expect(await codeOf(finetune.finish(task.key))).toBe('artifact_root_mismatch')
    expect((await escrow()).state).toBe('Delivered')
    expect(
      readdirSync(join(folder, 'finetune', task.key)).filter((name) => name.startsWith('model')),
    ).toEqual([])
    expect(existsSync(task.output)).toBe(false)
  })

  it('gives up a download that brings nothing, and keeps what came before', async () => {
    const runtime = withDownloads(async function* (body, attempt) {
      if (attempt === 1) for await (const bytes of body) return yield bytes.subarray(0, 1000)
    })
    const { finetune } = await clientAt(tuner.world, folder, runtime)
    expect(await codeOf(finetune.finish(task.key))).toBe('download_cut_off')
    expect(new Set(runtime.ranges.slice(1))).toEqual(new Set(['bytes=1000-']))
    await expect(finetune.deploy(await finetune.find(task.key))).rejects.toMatchObject({
      code: 'model_not_accepted',
      next: `0g-compute finetune download ${task.taskId}`,
    })
    rmSync(join(folder, 'finetune', task.key, 'model.sealed.part'))
  })

  it('goes on from the byte where a download was cut off, and who comes meanwhile waits for it', async () => {
    mkdirSync(task.output)
    writeFileSync(join(task.output, 'thesis.txt'), 'put there after the order')
    const runtime = withDownloads(async function* (body, attempt) {
      let left = attempt < 4 ? 100_000 : Number.POSITIVE_INFINITY
      for await (const bytes of body) {
        yield bytes.subarray(0, left)
        left -= bytes.length
        if (left <= 0) return
      }
    })
    const { finetune } = await clientAt(tuner.world, folder, runtime)
    const stages: string[] = []
    const other = await clientAt(tuner.world, folder)
    let meanwhile: Promise<LocalTask> | undefined
    const done = await finetune.finish(task.key, {
      onStage(stage) {
        stages.push(stage)
        meanwhile ??= other.finetune.finish(task.key)
      },
    })
    expect(await meanwhile).toEqual(done)
    expect(runtime.ranges).toEqual([undefined, 'bytes=100000-', 'bytes=200000-', 'bytes=300000-'])
    expect([...new Set(stages)].filter((stage) => stage !== 'key')).toEqual([
      'download',
      'acknowledge',
      'decrypt',
      'done',
    ])
    expect(done.decrypted).toBe(true)
    const root = (await escrow()).modelRoot
    expect(done.checkedRoot).toBe(root)
    expect(done.output).toBe(`${task.output}-2`)
    expect(readdirSync(task.output)).toEqual(['thesis.txt'])
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([])
    task = done
  })

  it('leaves the model in its folder, decrypted, and paid once', async () => {
    const files = readdirSync(task.output).sort()
    expect(files).toContain('adapter_model.safetensors')
    expect(files).toContain('adapter.gguf')
    expect(JSON.parse(readFileSync(join(task.output, 'adapter_config.json'), 'utf8')).peft_type).toBe('LORA')
    const ending = await readEscrowEnding(tuner.client.contract, task.order!, task.fromBlock)
    expect(ending).toMatchObject({ end: 'Paid', paid: BigInt(task.maxFee), returned: 0n })
    const { finetune } = await clientAt(tuner.world, folder)
    expect((await finetune.finish(task.key)).decrypted).toBe(true)
  })

  it('goes on with a task that is only not served yet, and pays for none whose folder holds something', async () => {
    const { finetune } = await clientAt(tuner.world, folder)
    const resumed = await finetune.create({ ...smallTask(folder), deploy: true }, APPROVE)
    expect(resumed).toEqual(task)
    expect(await codeOf(finetune.create(smallTask(folder), APPROVE))).toBe('output_not_empty')
    expect(await codeOf(finetune.plan(smallTask(folder)))).toBe('output_not_empty')
    expect(await finetune.tasks()).toEqual([task])
    expect(await finetune.moveOutput(task, join(folder, 'elsewhere'))).toEqual(task)
  })

  it('says so when the provider cannot serve it', async () => {
    const deployed = async (adapters: readonly object[], passesMs: number) => {
      const answer = JSON.stringify({ adapters })
      const clock = { skew: 0 }
      const runtime = {
        ...nodeRuntime(),
        now: () => Date.now() + passesMs * clock.skew++,
        sleep: async () => {},
      }
      const { finetune } = await clientAt(
        tuner.world,
        folder,
        withAnswers(/adapters$/, () => answer, runtime),
      )
      return codeOf(finetune.deploy(await finetune.find(task.key)))
    }
    const name = adapterName('0g-compute-demo', task.taskId!)
    const adapter = { adapterName: name, taskId: task.taskId }
    expect(await deployed([], 10_000)).toBe('deploy_unsupported')
    expect(await deployed([{ ...adapter, state: 'failed' }], 0)).toBe('deploy_failed')
  })

  it('keeps the figures of training after the broker is gone', async () => {
    const { finetune } = await clientAt(tuner.world, folder)
    const events = await finetune.events(task)
    const states = events.filter(({ event }) => event === 'state').map(({ state }) => state)
    expect(states.slice(0, 4)).toEqual(['Init', 'SettingUp', 'SetUp', 'Training'])
    expect(events.some(({ event, loss }) => event === 'step' && typeof loss === 'number')).toBe(true)
    await tuner.broker.stop({ graceMs: 0 })
    expect(await finetune.events(task)).toEqual(events)
  })
})
