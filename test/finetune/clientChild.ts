import { readFileSync } from 'node:fs'
import { Wallet } from 'ethers'
import type { Address } from '../../src/base/hex.ts'
import type { NetworkProfile } from '../../src/chain/networks.ts'
import type { LocalTask } from '../../src/client/finetune/localTask.ts'
import type { TrainRequest } from '../../src/client/finetune/plan.ts'
import { TaskStore } from '../../src/client/finetune/taskStore.ts'
import { openCompute } from '../../src/client/openCompute.ts'

/** What is written down at each step, in order. */
export const STEPS = ['ordered', 'uploaded', 'created', 'checked', 'acknowledged', 'decrypted'] as const
export type Step = (typeof STEPS)[number]

/** Where this process kills itself: before a step is written down, or after. */
export interface Kill {
  readonly when: 'before' | 'after'
  readonly step: Step
}

export interface ChildOrder {
  readonly network: NetworkProfile
  readonly privateKey: string
  readonly folder: string
  readonly request: TrainRequest
  readonly kill: Kill | null
}

const stepOf = (task: LocalTask): Step => {
  if (task.decrypted) return 'decrypted'
  if (task.acknowledged) return 'acknowledged'
  if (task.checkedRoot) return 'checked'
  if (task.taskId) return 'created'
  return task.uploaded ? 'uploaded' : 'ordered'
}

const die = () => process.kill(process.pid, 'SIGKILL')

/** A client that trains, and dies at one step of it as `kill -9` would have it. */
async function run({ network, privateKey, folder, request, kill }: ChildOrder): Promise<void> {
  const save = TaskStore.prototype.save
  TaskStore.prototype.save = async function (task) {
    const isHere = kill?.step === stepOf(task)
    if (isHere && kill.when === 'before') die()
    const saved = await save.call(this, task)
    if (isHere) die()
    return saved
  }
  const wallet = new Wallet(privateKey)
  const account = {
    address: wallet.address as Address,
    signer: (rpc: object) => wallet.connect(rpc as never),
  }
  const compute = await openCompute({ network, account, stateDir: folder })
  const task = await compute.finetune.create(request, { approve: () => true, approveTask: () => true })
  await compute.finetune.finish(task.key)
  await compute.close()
}

if (process.argv[2]) await run(JSON.parse(readFileSync(process.argv[2], 'utf8')) as ChildOrder)
