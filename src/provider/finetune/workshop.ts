import type { Logger } from '../../base/log.ts'
import type { Tee } from '../tee/tee.ts'
import type { TaskChain } from './chain/taskChain.ts'
import type { DatasetDesk } from './datasets.ts'
import type { KeyRing } from './keys.ts'
import type { TunableModel } from './models.ts'
import type { DatasetStores, FineTuningLimits, FineTuningPrices } from './options.ts'
import type { TaskStore } from './store/taskStore.ts'
import type { Task } from './task.ts'
import type { Slots } from './trainer/queue.ts'
import type { Trainer } from './trainer/trainer.ts'
import type { Vault } from './vault.ts'

/** Everything that the steps of a task work with. */
export interface Workshop {
  readonly node: string
  readonly store: TaskStore
  readonly datasets: DatasetDesk
  readonly stores: DatasetStores
  readonly vault: Vault
  readonly keys: KeyRing
  readonly trainer: Trainer
  readonly slots: Slots
  readonly models: readonly TunableModel[]
  /** A folder in memory: the only place of plaintext. */
  readonly workDir: string
  readonly tee: Tee
  readonly prices: FineTuningPrices
  readonly limits: FineTuningLimits
  /** llama.cpp's source for GGUF files and where it is unpacked; null where there is none. */
  readonly converters: Converters | null
  readonly chainOf: (task: Task) => TaskChain
  /** Unix seconds by the chain's clock. */
  readonly chainTime: () => Promise<number>
  /** Whether a finished task's model is served: then its files stay. */
  readonly isServed: (task: Task) => boolean
  readonly pollMs: number
  readonly log: Logger
  readonly now: () => number
}

export interface Converters {
  readonly llamaCpp: string
  readonly cache: string
}
