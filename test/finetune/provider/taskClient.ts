import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Contract, getBytes, type HDNodeWallet } from 'ethers'
import { type Address, bytesToHex, type Hex, hexToBytes } from '../../../src/base/hex.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { chainTimeSeconds } from '../../../src/chain/clock.ts'
import { fineTuningContract } from '../../../src/chain/fineTuning.ts'
import { FINE_TUNING_SERVICE } from '../../../src/chain/ledger.ts'
import {
  signTaskOrder,
  type TaskOrder,
  taskOrderId,
  taskOrderToJson,
} from '../../../src/protocol/finetune/order.ts'
import {
  cancelTaskDigest,
  createTaskDigest,
  downloadDigest,
  taskReadDigest,
  taskReadHeader,
  uploadDigest,
} from '../../../src/protocol/finetune/signatures.ts'
import { specHash, specText, type TaskSpec } from '../../../src/protocol/finetune/spec.ts'
import { NO_MODEL, type Task, type TaskEvent } from '../../../src/protocol/finetune/task.ts'
import { type FineTuneModel, type FineTuneTerms, termsIn } from '../../../src/protocol/finetune/terms.ts'
import {
  DEFAULT_FINE_TUNING_LIMITS,
  type FineTuningLimits,
  type FineTuningOptions,
} from '../../../src/provider/finetune/options.ts'
import type { World } from '../../support/world.ts'
import { PARAMETERS, sealed } from './lessons.ts'

export { datasetOf } from './lessons.ts'

/** Python with the trainer's packages; tests that train need it. */
export const PYTHON = process.env.ZG_TRAINER_PYTHON ?? resolve('.venv/bin/python')
export const hasTrainer = existsSync(PYTHON)

export const DEMO_MODEL = resolve('models/demo')
export const PRICE_PER_TOKEN = 10n ** 12n

/** Windows of seconds, so that a test can wait them out. */
export const TEST_LIMITS: FineTuningLimits = {
  ...DEFAULT_FINE_TUNING_LIMITS,
  trainSeconds: 600,
  threads: 1,
  minimumWindows: { train: 5, acknowledge: 1, reveal: 1 },
}

export const fineTuningOptions = (
  world: World,
  change: Partial<FineTuningOptions> = {},
): FineTuningOptions => ({
  models: [{ name: '0g-compute-demo', path: DEMO_MODEL, gguf: resolve(DEMO_MODEL, 'demo.gguf') }],
  prices: { perToken: PRICE_PER_TOKEN },
  limits: TEST_LIMITS,
  trainer: { kind: 'local' },
  python: PYTHON,
  cacheDir: resolve('cache/finetune'),
  hide: [world.dir],
  ...change,
})

export interface OrderOptions {
  readonly dataset: string | Uint8Array
  readonly parameters?: object
  readonly maxFee?: bigint
  readonly trainSeconds?: number
  readonly ackWindow?: number
  readonly revealWindow?: number
  /** By the deployed rules, without an order. */
  readonly deployed?: boolean
  /** Sends the dataset in plain text. */
  readonly plain?: boolean
  /** In place of what would be ordered. */
  readonly spec?: Partial<Omit<TaskSpec, 'dataset'>> & { readonly dataset?: Partial<TaskSpec['dataset']> }
  readonly change?: Readonly<Record<string, unknown>>
}

/** A user of fine-tuning, as far as a test needs one: it builds every request from the protocol's own parts. */
export class TaskClient {
  readonly world: World
  readonly base: string
  readonly wallet: HDNodeWallet
  readonly contract: Contract

  constructor(world: World, brokerUrl: string, wallet: HDNodeWallet = world.user) {
    this.world = world
    this.base = `${brokerUrl}/finetune/v1`
    this.wallet = wallet
    this.contract = fineTuningContract(world.network.fineTuning, world.anvil.rpc)
  }

  get address(): Address {
    return this.wallet.address as Address
  }

  /** Opens a funded sub-account that acknowledges the signer. */
  async fund(amount = 5n * ONE_0G): Promise<void> {
    const ledger = this.world.ledger.connect(this.wallet) as Contract
    const provider = this.world.provider.address
    await (await ledger.getFunction('depositFund')({ value: amount })).wait()
    await (await ledger.getFunction('transferFund')(provider, FINE_TUNING_SERVICE, amount)).wait()
    await this.transact('acknowledgeTEESigner', provider, true)
  }

  async terms(): Promise<FineTuneTerms> {
    return termsIn(await (await fetch(`${this.base}/capabilities`)).json())!
  }

  async models(): Promise<FineTuneModel[]> {
    return (await fetch(`${this.base}/model`)).json() as Promise<FineTuneModel[]>
  }

  sign(digest: Hex): Promise<string> {
    return this.wallet.signMessage(getBytes(digest))
  }

  async upload(bytes: Uint8Array): Promise<Response> {
    const timestamp = Math.floor(Date.now() / 1000)
    const form = new FormData()
    form.set('file', new Blob([Uint8Array.from(bytes)], { type: 'application/octet-stream' }), 'dataset')
    form.set('signature', await this.sign(uploadDigest(this.address, timestamp)))
    form.set('timestamp', String(timestamp))
    return fetch(`${this.base}/user/${this.address}/dataset`, { method: 'POST', body: form })
  }

  /** Uploads the dataset and builds the signed task. */
  async draft(options: OrderOptions): Promise<{ readonly body: object; readonly order: TaskOrder | null }> {
    const plain = Buffer.from(options.dataset)
    const terms = await this.terms()
    const sent = options.plain || options.deployed ? plain : await sealed(terms, plain)
    const uploaded = await this.upload(sent)
    if (!uploaded.ok) throw new Error(await uploaded.text())
    const { datasetHash } = (await uploaded.json()) as { datasetHash: string }
    const [model] = await this.models()
    const { dataset, ...changed } = options.spec ?? {}
    const spec: TaskSpec = {
      v: 1,
      salt: randomBytes(16).toString('hex'),
      method: 'lora',
      model: model!.hash as Hex,
      dataset: {
        root: datasetHash,
        place: 'upload',
        format: 'jsonl',
        bytes: plain.length,
        sha256: createHash('sha256').update(plain).digest('hex'),
        sealedKey: null,
        ...dataset,
      },
      parameters: JSON.stringify({ ...PARAMETERS, ...options.parameters }),
      seed: 7,
      tokens: 100_000,
      gguf: true,
      ...changed,
    }
    const nonce = BigInt(Date.now()) * 10_000n + 40n
    const request = {
      userAddress: this.address,
      datasetHash,
      trainingParams: spec.parameters,
      preTrainedModelHash: spec.method === 'scratch' ? NO_MODEL : spec.model,
      fee: '0',
      nonce: nonce.toString(),
      signature: await this.sign(createTaskDigest(this.address, nonce, datasetHash)),
      wait: true,
    }
    if (options.deployed) return { body: { ...request, ...options.change }, order: null }
    const order = await this.order(spec, options)
    const { chainId, fineTuning } = this.world.network
    const key = hexToBytes(this.wallet.privateKey)
    return {
      order,
      body: {
        ...request,
        spec: specText(spec),
        order: taskOrderToJson(order),
        orderSignature: signTaskOrder(key, chainId, fineTuning, order),
        ...options.change,
      },
    }
  }

  async order(spec: TaskSpec, options: OrderOptions): Promise<TaskOrder> {
    const service = await this.contract.getFunction('getService').staticCall(this.world.provider.address)
    return {
      provider: this.world.provider.address as Address,
      user: this.address,
      signer: service.teeSignerAddress,
      task: specHash(specText(spec)),
      maxFee: options.maxFee ?? ONE_0G,
      trainBy: (await chainTimeSeconds(this.world.anvil.rpc)) + (options.trainSeconds ?? 300),
      ackWindow: options.ackWindow ?? 3600,
      revealWindow: options.revealWindow ?? 3600,
      nonce: BigInt(`0x${bytesToHex(randomBytes(8))}`),
    }
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.base}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  }

  createFrom(body: object): Promise<Response> {
    return this.post(`/user/${this.address}/task`, body)
  }

  async create(options: OrderOptions): Promise<{ readonly id: string; readonly order: Hex | null }> {
    const { body, order } = await this.draft(options)
    const response = await this.createFrom(body)
    if (response.status !== 201) throw new Error(await response.text())
    const { id } = (await response.json()) as { id: string }
    return { id, order: order && taskOrderId(order) }
  }

  async task(id: string): Promise<Task> {
    return (await fetch(`${this.base}/user/${this.address}/task/${id}`)).json() as Promise<Task>
  }

  /** Waits for a state; ends early when the task does. Broken connections count as "not yet". */
  async until(id: string, states: readonly string[], ms = 220_000): Promise<Task> {
    for (const end = Date.now() + ms; Date.now() < end; ) {
      const task = await this.task(id).catch(() => null)
      if (
        task &&
        (states.includes(task.progress) || task.progress === 'Failed' || task.progress === 'Finished')
      )
        return task
      await sleep(100)
    }
    throw new Error(`the task did not come to ${states.join(' or ')}: ${JSON.stringify(await this.task(id))}`)
  }

  async events(id: string): Promise<TaskEvent[]> {
    const response = await fetch(`${this.base}/user/${this.address}/task/${id}/events`, {
      headers: { 'zg-task-read': await this.readHeader(id) },
    })
    const text = await response.text()
    return text.split('\n').flatMap((line) => (line ? [JSON.parse(line) as TaskEvent] : []))
  }

  async readHeader(id: string, wallet: HDNodeWallet = this.wallet): Promise<string> {
    const timestamp = Math.floor(Date.now() / 1000)
    const signature = await wallet.signMessage(getBytes(taskReadDigest(id, timestamp)))
    return taskReadHeader(timestamp, signature as Hex)
  }

  async download(id: string, headers: Record<string, string> = {}): Promise<Response> {
    const timestamp = Math.floor(Date.now() / 1000)
    const signature = await this.sign(downloadDigest(id, timestamp))
    return this.post(`/user/${this.address}/task/${id}/lora`, { signature, timestamp }, headers)
  }

  async cancel(id: string): Promise<Response> {
    return this.post(`/user/${this.address}/task/${id}/cancel`, {
      signature: await this.sign(cancelTaskDigest(id)),
    })
  }

  /** Sends a transaction about the task as its user. */
  async transact(method: string, ...args: unknown[]): Promise<void> {
    const own = this.contract.connect(this.wallet) as Contract
    await (await own.getFunction(method)(...args)).wait()
  }

  /** Neuron: in the sub-account, and free in the ledger. */
  async money(): Promise<{ readonly account: bigint; readonly ledger: bigint }> {
    const account = await this.contract
      .getFunction('getAccount')
      .staticCall(this.address, this.world.provider.address)
    const { availableBalance } = await this.world.ledger.getFunction('getLedger').staticCall(this.address)
    return { account: account.balance, ledger: availableBalance }
  }
}
