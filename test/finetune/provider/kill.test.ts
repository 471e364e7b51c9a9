import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Transaction } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Hex } from '../../../src/base/hex.ts'
import { ONE_0G } from '../../../src/base/units.ts'
import { readEscrowEnding } from '../../../src/chain/taskEscrow.ts'
import { type FaultyRpc, startFaultyRpc } from '../../support/faultyRpc.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startWorld, type World } from '../../support/world.ts'
import type { BrokerProcessSettings } from './brokerProcess.ts'
import { datasetOf, hasTrainer, TaskClient } from './taskClient.ts'

const ALL = [
  ...['Init', 'SettingUp', 'SetUp', 'Training', 'Trained', 'Delivering', 'Delivered'],
  ...['UserAcknowledged', 'Finished', 'Failed'],
]
/** What the broker sends for a task that is paid: it dies after each, before it knows that it was mined. */
const SENT = ['openTask', 'deliverTask', 'publishKey']
const PROGRAM = resolve('test/finetune/provider/brokerProcess.ts')

let world: World
let scripted: ScriptedEngine
let rpc: FaultyRpc
let client: TaskClient
let keeper: BrokerKeeper

beforeAll(async () => {
  if (!hasTrainer) return
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  rpc = await startFaultyRpc(world.anvil.url)
  keeper = new BrokerKeeper()
  await keeper.start()
  client = new TaskClient(world, keeper.url)
  await client.fund()
}, 180_000)

afterAll(async () => {
  await keeper?.stop()
  await rpc?.stop()
  await world?.stop()
  await scripted?.stop()
})

/** Kills the broker when it has sent each of its calls for the first time; the call reaches the chain. */
function dieAfterSending(): string[] {
  const died: string[] = []
  rpc.decide = (method, params) => {
    if (method !== 'eth_sendRawTransaction') return 'none'
    const name = client.contract.interface.parseTransaction(Transaction.from(String(params[0])))?.name
    if (name === undefined || died.includes(name)) return 'none'
    died.push(name)
    keeper.kill()
    return 'drop-answer'
  }
  return died
}

describe.skipIf(!hasTrainer)('kill -9', () => {
  it('B16: of the broker at every state and after each transaction, and of the trainer: delivered, and paid once', async () => {
    const before = await client.money()
    const died = dieAfterSending()
    const { body, order } = await client.draft({ dataset: datasetOf(12) })
    const id = await createThroughDeaths(body)
    await killTrainerOf(id)
    const delivered = await client.until(id, ['Delivered'], 480_000)
    expect(delivered).toMatchObject({ progress: 'Delivered' })
    await client.transact('acceptTask', delivered.order)
    const finished = await client.until(id, ['Finished'], 240_000)
    expect(finished).toMatchObject({ progress: 'Finished', order: delivered.order })
    const fee = BigInt(finished.fee)
    expect(await readEscrowEnding(client.contract, finished.order!, 0)).toMatchObject({
      end: 'Paid',
      paid: fee,
    })
    const after = await client.money()
    expect(before.account + before.ledger - after.account - after.ledger).toBe(fee)
    expect(order!.maxFee).toBe(ONE_0G)
    expect((await client.download(id)).status).toBe(200)
    await keeper.settled()
    expect(keeper.deaths().toSorted()).toEqual(ALL.filter((state) => state !== 'Failed').toSorted())
    expect(died).toEqual(SENT)
    await assertLogTellsEachStateOnce(id)
  }, 1_200_000)

  it('B19: of the broker at a failure of the trainer: everything goes back', async () => {
    const before = await client.money()
    // Only the trainer finds out that the model has no such part.
    const parameters = { lora_targets: 'no_such_module' }
    const { id, order } = await client.create({ dataset: datasetOf(12), parameters, trainSeconds: 45 })
    const failed = await client.until(id, ['Failed'], 480_000)
    expect(failed.progress).toBe('Failed')
    expect(failed.failure?.code).toMatch(/^(job_refused|trainer_failed|train_time_exceeded)$/)
    const ending = await endingOf(order!)
    expect(ending).toMatchObject({ end: 'NotDelivered', paid: 0n, returned: ONE_0G })
    const after = await client.money()
    expect(after.account + after.ledger).toBe(before.account + before.ledger)
    expect(keeper.deaths()).toContain('Failed')
  }, 1_200_000)
})

/** The broker may die before it answers: the same request again finds the task, and makes no second one. */
async function createThroughDeaths(body: object): Promise<string> {
  for (const until = Date.now() + 240_000; Date.now() < until; ) {
    const response = await client.createFrom(body).catch(() => null)
    if (response?.ok) return ((await response.json()) as { id: string }).id
    await sleep(200)
  }
  throw new Error('the task was not taken')
}

/** Kills the trainer of a task, once it has begun. Only our own broker's descendants are looked at. */
async function killTrainerOf(id: string): Promise<void> {
  for (const until = Date.now() + 360_000; Date.now() < until; ) {
    const isAt = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && runs(name, id))
    const began =
      isAt.length > 0 && (await client.events(id).catch(() => [])).some(({ event }) => event === 'step')
    if (began) {
      for (const pid of isAt) process.kill(Number(pid), 'SIGKILL')
      return
    }
    await sleep(100)
  }
  throw new Error('the trainer did not begin')
}

function runs(pid: string, id: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return command.includes('zg_trainer') && command.includes(id)
  } catch {
    return false
  }
}

async function endingOf(order: Hex) {
  for (const until = Date.now() + 240_000; Date.now() < until; ) {
    const ending = await readEscrowEnding(client.contract, order, 0)
    if (ending) return ending
    // A devnet's clock stands still without transactions.
    await world.anvil.rpc.send('evm_mine', [])
    await sleep(500)
  }
  throw new Error('the order did not end')
}

/** The transitions are durable and none is made twice, except back into training after a crash. */
async function assertLogTellsEachStateOnce(id: string): Promise<void> {
  const states = (await client.events(id)).flatMap(({ event, state }) => (event === 'state' ? [state] : []))
  expect(states).toEqual(ALL.filter((state) => state !== 'Failed'))
}

/** Starts the broker again whenever it is gone. */
class BrokerKeeper {
  url = ''
  #child: ChildProcess | undefined
  #isStopped = false
  #port = 0

  async start(): Promise<void> {
    const settings: BrokerProcessSettings = {
      network: { ...world.network, rpcUrls: [rpc.url] },
      dir: world.dir,
      privateKey: world.provider.privateKey,
      target: scripted.target,
      port: this.#port,
      dieAt: ALL,
    }
    const child = fork(PROGRAM, [JSON.stringify(settings)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child = child
    child.once('exit', () => {
      if (!this.#isStopped) void this.start().catch(() => {})
    })
    const url = await new Promise<string | null>((done) => {
      child.once('message', (message) => done((message as { url: string }).url))
      child.once('exit', () => done(null))
    })
    if (url === null) return
    this.url = url
    this.#port = Number(new URL(url).port)
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  deaths(): string[] {
    return readFileSync(`${world.dir}/deaths`, 'utf8').trim().split('\n')
  }

  /** Waits until a broker answers again. */
  async settled(): Promise<void> {
    for (let i = 0; i < 300; i++) {
      if (await fetch(`${this.url}/healthz`).catch(() => null)) return
      await sleep(200)
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#child?.kill('SIGKILL')
  }
}
