import type { Contract } from 'ethers'
import type { Address } from '../../../base/hex.ts'
import type { Turn } from '../../../base/mutex.ts'
import type { NetworkProfile } from '../../../chain/networks.ts'
import type { Strangers } from '../../server/limits/strangers.ts'
import type { QuoteDesk } from '../../server/quote.ts'
import type { TaskWorker } from '../worker/taskWorker.ts'
import type { Workshop } from '../workshop.ts'

/** What the routes of fine-tuning work with. */
export interface FineTuningDesk {
  readonly shop: Workshop
  readonly worker: TaskWorker
  readonly network: NetworkProfile
  readonly provider: Address
  /** `FineTuningServing`. */
  readonly contract: Contract
  /** Whether the contract takes orders into escrow. */
  readonly hasEscrow: boolean
  readonly quotes: QuoteDesk
  readonly capabilities: object
  readonly scratch: boolean
  /** Deployed contract: how long a user may let a delivery lie, seconds. */
  readonly ackSeconds: number
  readonly strangers: Strangers
  /** Whether callers' addresses come from a proxy's header. */
  readonly trustProxy: boolean
  /** Name under which a task's model is served now. */
  readonly servedAs: (id: string) => string | null
  /** One after another: what is checked about a user's tasks still holds when the next is stored. */
  readonly turn: Turn
  /** Aborted when the broker stops: streams end. */
  readonly closing: AbortSignal
}
