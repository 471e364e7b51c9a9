import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ONE_0G } from '../../../src/base/units.ts'
import { datasetOf, fineTuningOptions } from '../../finetune/provider/taskClient.ts'
import { startDemo } from '../../integration/engine/fixtures/engines.ts'
import { startWorld } from '../../support/world.ts'
import { muteConsole } from '../support/muteConsole.ts'
import { eventually, type Rows, suiteOf, Unsupported } from '../support/suite.ts'
import { deployWhereTheyLook } from './deploy.ts'
import { openCli, openLibrary, type TheirCli, type TheirLibrary } from './published.ts'

const MODEL = '0g-compute-demo'
const TRAINING = { num_train_epochs: 1, per_device_train_batch_size: 4, learning_rate: 0.001, max_steps: 2 }
const TRAINED_WITHIN_MS = 240_000

interface Scene {
  readonly dir: string
  readonly provider: string
  readonly owner: TheirLibrary
  readonly user: TheirLibrary
  readonly cli: TheirCli
  dataset: string
  task: string
  adapter: string
  stop(): Promise<void>
}

async function openScene(): Promise<Scene> {
  const unmute = muteConsole()
  const [world, engine] = await Promise.all([startWorld('ours', deployWhereTheyLook), startDemo()])
  const broker = await world.startBroker(engine, { fineTuning: fineTuningOptions(world) })
  const { url, wallets } = world.anvil
  const [owner, user] = await Promise.all([0, 3].map((index) => openLibrary(url, wallets[index]!.privateKey)))
  return {
    dir: world.dir,
    provider: broker.provider,
    owner: owner!,
    user: user!,
    cli: openCli(join(world.dir, 'home'), url, wallets[3]!.privateKey),
    dataset: '',
    task: '',
    adapter: '',
    async stop() {
      for (const open of [owner, user]) open!.close()
      await world.stop()
      await engine.stop()
      unmute()
    },
  }
}

const before: Rows<Scene> = {
  async ownerAcknowledge({ owner, provider }) {
    await owner.inference.acknowledgeProviderTEESigner(provider)
    await owner.fineTuning!.acknowledgeTEESignerByOwner(provider)
    const [service] = await owner.fineTuning!.listService()
    assert.equal(service?.provider, provider)
    return 'listService shows the provider'
  },
  async listModel({ user }) {
    const models = JSON.stringify(await user.fineTuning!.listModel())
    assert.match(models, new RegExp(MODEL))
    return 'listModel shows ours beside its predefined ones'
  },
  async acknowledgeAtFirst({ user, provider }) {
    await user.ledger.addLedger(8)
    await assert.rejects(user.fineTuning!.acknowledgeProviderSigner(provider), /greater than 0/)
    return new Unsupported(
      'for a new account it transfers 0 to open it, which its own ledger part refuses: transfer-fund comes first',
    )
  },
  async transferFund({ user, provider }) {
    await user.ledger.transferFund(provider, 'fine-tuning', 2n * ONE_0G)
    assert.equal((await user.fineTuning!.getAccount(provider)).balance, 2n * ONE_0G)
    return '2 0G into the fine-tuning account'
  },
  async acknowledgeProviderSigner({ user, provider }) {
    await user.fineTuning!.acknowledgeProviderSigner(provider)
    assert.equal((await user.fineTuning!.getAccount(provider)).acknowledged, true)
    return 'acknowledged, after it had read the quote'
  },
  async verifyService({ user, provider, dir }) {
    const result = await user.fineTuning!.verifyService(provider, dir)
    assert.equal(result?.success, true)
    assert(existsSync(join(dir, 'fine_tuning_attestation_report.json')))
    return 'its checks pass'
  },
}

const task: Rows<Scene> = {
  async uploadDatasetToTEE(scene) {
    const path = join(scene.dir, 'data.jsonl')
    writeFileSync(path, datasetOf(12))
    const { datasetHash } = await scene.user.fineTuning!.uploadDatasetToTEE(scene.provider, path)
    assert.match(datasetHash, /^0x[0-9a-f]{64}$/)
    scene.dataset = datasetHash
    return 'uploaded, with its root'
  },
  async createTask(scene) {
    const path = join(scene.dir, 'config.json')
    writeFileSync(path, JSON.stringify(TRAINING))
    scene.task = await scene.user.fineTuning!.createTask(scene.provider, MODEL, scene.dataset, path)
    assert.match(scene.task, /^[0-9a-f-]{36}$/)
    return 'created'
  },
  async getTask({ user, provider, task }) {
    await eventually(
      async () => (await user.fineTuning!.getTask(provider, task)).progress === 'Delivered',
      'the model is delivered',
      TRAINED_WITHIN_MS,
    )
    const { fee, datasetHash } = await user.fineTuning!.getTask(provider, task)
    assert(BigInt(fee) > 0n && datasetHash.length > 0)
    return 'followed until Delivered'
  },
  async listTask({ user, provider, task }) {
    const tasks = await user.fineTuning!.listTask(provider)
    assert(tasks.some(({ id }) => id === task))
    return 'lists the task'
  },
  async getLog({ user, provider, task }) {
    const log = await user.fineTuning!.getLog(provider, task)
    assert.match(log, /state="Delivered"/)
    assert.doesNotMatch(log, /loss/)
    return 'the states; it signs nothing, and the rest of a log is for its owner'
  },
  async acknowledgeModel({ user, provider, task, dir }) {
    const path = join(dir, 'model.bin')
    await user.fineTuning!.acknowledgeModel(provider, task, path, { downloadMethod: 'tee' })
    assert(statSync(path).size > 0)
    return 'downloaded and acknowledged'
  },
  async decryptModel({ user, provider, task, dir }) {
    await eventually(
      async () => (await user.fineTuning!.getTask(provider, task)).progress === 'Finished',
      'the key is on chain',
      60_000,
    )
    const path = join(dir, 'model.zip')
    await user.fineTuning!.decryptModel(provider, task, join(dir, 'model.bin'), path)
    assert(statSync(path).size > 0)
    return 'decrypted with the key of the settlement; the signature of the file is right'
  },
}

const after: Rows<Scene> = {
  async deployAdapter(scene) {
    const { user, provider, task } = scene
    await user.ledger.transferFund(provider, 'inference', 3n * ONE_0G)
    await user.inference.acknowledgeProviderSigner(provider)
    await user.inference.deployAdapter(provider, MODEL, task, { wait: true, timeoutSeconds: 180 })
    scene.adapter = await user.inference.resolveAdapterName(provider, task, MODEL)
    assert.match(scene.adapter, /^ft-0g-compute-demo-/)
    return `served as ${scene.adapter}`
  },
  async chatWithFineTunedModel({ user, provider, adapter }) {
    const answer = await user.inference.chatWithFineTunedModel(provider, adapter, 'What is the metal?')
    assert(JSON.stringify(answer).length > 2)
    return 'answers'
  },
  async cancelTask(scene) {
    const [data, path] = [join(scene.dir, 'long.jsonl'), join(scene.dir, 'long.json')]
    writeFileSync(data, datasetOf(40, 'tin'))
    writeFileSync(path, JSON.stringify({ ...TRAINING, max_steps: 2000, num_train_epochs: 20 }))
    const { datasetHash } = await scene.user.fineTuning!.uploadDatasetToTEE(scene.provider, data)
    const id = await scene.user.fineTuning!.createTask(scene.provider, MODEL, datasetHash, path)
    await scene.user.fineTuning!.cancelTask(scene.provider, id)
    await eventually(
      async () => (await scene.user.fineTuning!.getTask(scene.provider, id)).progress === 'Failed',
      'the task has ended',
      30_000,
    )
    return 'ended before it was trained'
  },
  async cli({ cli, provider, task }) {
    const run = async (...args: string[]) => {
      const { code, output } = await cli.run('fine-tuning', ...args)
      assert.equal(code, 0, `${args.join(' ')}: ${output}`)
      return output
    }
    assert.match(await run('list-providers'), new RegExp(provider, 'i'))
    assert.match(await run('list-models'), new RegExp(MODEL))
    assert.match(await run('get-task', '--provider', provider, '--task', task), /Finished/)
    assert((await run('get-log', '--provider', provider, '--task', task)).length > 0)
    return 'list-providers, list-models, get-task, get-log'
  },
}

export const finetune = suiteOf(
  'theirs-on-ours',
  'finetune',
  openScene,
  { ...before, ...task, ...after },
  true,
)
