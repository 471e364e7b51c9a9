import type { FundingHooks } from '../funding/funding.ts'
import type { LocalTask } from './localTask.ts'
import type { TrainPlan } from './plan.ts'

/** What a caller of `FineTuning.create` decides, and is told. */
export interface CreateHooks extends FundingHooks {
  /** Whether to pay that much. Without it, or when it answers false, nothing is sent. */
  readonly approveTask?: (plan: TrainPlan) => Promise<boolean> | boolean
  readonly onStage?: (stage: 'check' | 'fund' | 'seal' | 'upload' | 'created') => void
  /** A task of an earlier call with the same order is gone on with. */
  readonly onResume?: (task: LocalTask) => void
}
