import type { HDNodeWallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTaskDigest, uploadDigest } from '../../../src/protocol/finetune/signatures.ts'
import { NO_MODEL } from '../../../src/protocol/finetune/task.ts'
import { datasetOf, hasTrainer, type OrderOptions, TaskClient, TEST_LIMITS } from './taskClient.ts'
import { startTuner, type Tuner } from './tuner.ts'

const MAX_BYTES = 4096
const LARGE = { model_type: 'llama', hidden_size: 1024, num_hidden_layers: 8, intermediate_size: 4096 }

let tuner: Tuner
let client: TaskClient
let other: TaskClient

beforeAll(async () => {
  if (!hasTrainer) return
  const limits = {
    ...TEST_LIMITS,
    datasetBytes: MAX_BYTES,
    queue: 2,
    tokens: 300,
    scratchParameters: 1_000_000,
  }
  tuner = await startTuner({ limits })
  client = tuner.client
  other = new TaskClient(tuner.world, tuner.broker.url, tuner.world.anvil.wallets[6] as HDNodeWallet)
  await other.fund()
}, 180_000)

afterAll(() => tuner?.stop())

async function codeOf(response: Response): Promise<[number, string]> {
  const body = (await response.json()) as { error: { code: string } }
  return [response.status, body.error.code]
}

/** Ten thousand million rounds for each example. */
const ENDLESS = '{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}'

describe.skipIf(!hasTrainer)('datasets', () => {
  it('are taken from customers who signed just now, up to the limit', async () => {
    const stranger = new TaskClient(
      tuner.world,
      tuner.broker.url,
      tuner.world.anvil.wallets[7] as HDNodeWallet,
    )
    expect(await codeOf(await stranger.upload(Buffer.from('x')))).toEqual([402, 'account_missing'])
    expect(await codeOf(await client.upload(Buffer.alloc(2 * MAX_BYTES)))).toEqual([413, 'dataset_too_large'])
    expect(await codeOf(await client.upload(Buffer.alloc(0)))).toEqual([400, 'file_empty'])
    for (const [timestamp, signer, expected] of [
      [Math.floor(Date.now() / 1000) - 400, client.wallet, 'signature_expired'],
      [Math.floor(Date.now() / 1000), other.wallet, 'signature_invalid'],
    ] as const) {
      const form = new FormData()
      form.set('file', new Blob(['{"text":"x"}']))
      const digest = uploadDigest(client.address, timestamp)
      form.set('signature', await signer.signMessage(Buffer.from(digest.slice(2), 'hex')))
      form.set('timestamp', String(timestamp))
      const url = `${client.base}/user/${client.address}/dataset`
      expect(await codeOf(await fetch(url, { method: 'POST', body: form }))).toEqual([401, expected])
    }
  })

  it('are kept up to a few of the largest', async () => {
    const hoarder = new TaskClient(
      tuner.world,
      tuner.broker.url,
      tuner.world.anvil.wallets[8] as HDNodeWallet,
    )
    await hoarder.fund()
    for (let i = 0; i < 4; i++)
      expect((await hoarder.upload(Buffer.alloc(MAX_BYTES, i + 1))).status).toBe(200)
    expect(await codeOf(await hoarder.upload(Buffer.alloc(MAX_BYTES, 9)))).toEqual([429, 'datasets_too_many'])
    // The same bytes again take no more room.
    expect((await hoarder.upload(Buffer.alloc(MAX_BYTES, 1))).status).toBe(200)
  })
})

describe.skipIf(!hasTrainer)('orders', () => {
  const refused: [string, Partial<OrderOptions>, number, string][] = [
    ['with too little time to train', { trainSeconds: 2 }, 400, 'window_too_short'],
    ['with too little time to reject', { ackWindow: 0 }, 400, 'window_too_short'],
    ['by a method that is not offered', { spec: { method: 'qlora' } }, 400, 'method_unsupported'],
    ['for more than the sub-account holds', { maxFee: 10n ** 20n }, 402, 'balance_insufficient'],
    [
      'for a model from scratch that is too large',
      { spec: { method: 'scratch', model: NO_MODEL, scratch: { config: LARGE, vocabulary: 50_000 } } },
      413,
      'scratch_too_large',
    ],
    [
      'for a model from scratch that leaves its sizes to others',
      {
        spec: {
          method: 'scratch',
          model: NO_MODEL,
          scratch: { config: { model_type: 'llama' }, vocabulary: 300 },
        },
      },
      400,
      'scratch_sizes_missing',
    ],
    ['from a place that is not served', { spec: { dataset: { place: '0g-storage' } } }, 400, 'task_invalid'],
    ['with a parameter that is none', { parameters: { learning_speed: 1 } }, 400, 'parameter_unknown'],
  ]

  it.each(refused)('%s are refused before anything is paid', async (_what, options, status, code) => {
    const draft = await client.draft({ dataset: datasetOf(5), ...options })
    expect(await codeOf(await client.createFrom(draft.body))).toEqual([status, code])
  })

  it('by the deployed rules are refused where the sub-account does not acknowledge the signer', async () => {
    const wallet = tuner.world.anvil.wallets[9] as HDNodeWallet
    const leaving = new TaskClient(tuner.world, tuner.broker.url, wallet)
    await leaving.fund()
    await leaving.transact('withdrawAcknowledgement', tuner.world.provider.address)
    const { body } = await leaving.draft({ dataset: datasetOf(5), deployed: true })
    expect(await codeOf(await leaving.createFrom(body))).toEqual([403, 'signer_not_acknowledged'])
  })

  it('whose time is over by the chain’s clock are refused', async () => {
    const { rpc } = tuner.world.anvil
    await rpc.send('evm_increaseTime', [1000])
    await rpc.send('evm_mine', [])
    const { body } = await client.draft({ dataset: datasetOf(5), trainSeconds: -500 })
    expect(await codeOf(await client.createFrom(body))).toEqual([409, 'order_expired'])
  })

  it('for a dataset that is not there are refused', async () => {
    const datasetHash = `0x${'3'.repeat(64)}`
    const nonce = BigInt(Date.now()) * 10_000n
    const { body } = await client.draft({ dataset: datasetOf(5), deployed: true })
    const signature = await client.sign(createTaskDigest(client.address, nonce, datasetHash))
    const response = await client.createFrom({ ...body, datasetHash, nonce: String(nonce), signature })
    expect(await codeOf(response)).toEqual([404, 'dataset_missing'])
  })

  const failing: [string, Partial<OrderOptions>, string][] = [
    ['a fee above the order', { maxFee: 1n }, 'fee_above_maximum'],
    ['more tokens than were counted', { spec: { tokens: 3 } }, 'tokens_differ'],
    ['more tokens than the limit', { dataset: datasetOf(28) }, 'dataset_too_long'],
    [
      'another dataset than was ordered',
      { spec: { dataset: { sha256: '0'.repeat(64) } } },
      'dataset_differs',
    ],
    ['a broken line', { dataset: `${datasetOf(2)}\n{"messages":` }, 'dataset_line_broken'],
    // It is given 30 s for an example.
    ['a chat template that does not end', { spec: { chatTemplate: ENDLESS } }, 'counting_over_limit'],
    ['a dataset that is none', { dataset: Buffer.from([0xff, 0xfe, 0x00, 0x41]) }, 'dataset_not_utf8'],
  ]

  it.each(failing)('fail for %s, with the reason, and nothing is paid', async (_what, options, code) => {
    const before = await client.money()
    const { id } = await client.create({ dataset: datasetOf(6), ...options })
    expect(await client.until(id, ['Failed'])).toMatchObject({ progress: 'Failed', failure: { code } })
    expect(await client.money()).toEqual(before)
  })
})

describe.skipIf(!hasTrainer)('the queue', () => {
  it('B20: takes two of a user, one after another, and as many as it has room for; reading is for owners', async () => {
    const long = { dataset: datasetOf(6), parameters: { num_train_epochs: 1000 }, maxFee: 10n ** 18n }
    const first = await client.create(long)
    await client.until(first.id, ['Training'])
    const { body } = await other.draft({ dataset: datasetOf(5), change: { wait: false } })
    expect(await codeOf(await other.createFrom(body))).toEqual([409, 'wait_required'])
    const second = await client.create({ ...long, dataset: datasetOf(7) })
    const third = await client.draft({ ...long, dataset: datasetOf(8) })
    expect(await codeOf(await client.createFrom(third.body))).toEqual([409, 'tasks_unfinished'])
    const another = await other.draft({ dataset: datasetOf(5) })
    expect(await codeOf(await other.createFrom(another.body))).toEqual([429, 'queue_full'])
    expect(await (await fetch(`${client.base}/task/pending`)).text()).toBe('2')

    expect(await codeOf(await client.download(first.id))).toEqual([409, 'artifact_not_ready'])
    expect(await codeOf(await client.cancel(first.id))).toEqual([409, 'task_not_cancellable'])
    const task = `${client.base}/user/${client.address}/task/${first.id}`
    for (const path of [`${task}/log`, `${task}/events`]) {
      const headers = { 'zg-task-read': await client.readHeader(first.id, other.wallet) }
      expect(await codeOf(await fetch(path, { headers }))).toEqual([401, 'signature_invalid'])
    }
    expect(await codeOf(await fetch(`${task}/events`))).toEqual([401, 'task_read_unsigned'])
    const shown = (await (await fetch(`${task}/log`)).text()).trim().split('\n')
    expect(shown.at(-1)).toContain('state state="Training"')
    expect(shown.every((line) => / state state="\w+"$/.test(line))).toBe(true)
    const foreign = `${client.base}/user/${other.address}/task/${first.id}`
    expect(await codeOf(await fetch(foreign))).toEqual([404, 'task_not_found'])
    const log = await fetch(`${task}/log`, { headers: { 'zg-task-read': await client.readHeader(first.id) } })
    expect(await log.text()).toContain('state state="Training"')
    expect((await client.cancel(second.id)).status).toBe(200)
  }, 120_000)

  it('has no such model, file or route', async () => {
    for (const [path, status, code] of [
      ['/model/none', 404, 'model_unknown'],
      ['/model/0g-compute-demo/files/model.safetensors', 404, 'model_file_unknown'],
      ['/nothing', 404, 'route_unknown'],
      [`/user/${client.address}/task/beb6f0d8-4660-4c62-988d-00246ce913d2`, 404, 'task_not_found'],
    ] as const)
      expect(await codeOf(await fetch(`${client.base}${path}`))).toEqual([status, code])
    expect((await fetch(`${client.base}/quote`, { method: 'POST' })).status).toBe(405)
  })
})
