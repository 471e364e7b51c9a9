import type { TaskView } from '../../client/finetune/fineTuning.ts'

/** Where a task stands, in one or two words; `unknown` when its broker does not answer. */
export function stateOf({ local, seen, escrow }: TaskView): string {
  if (local.adapter) return 'Deployed'
  if (local.decrypted) return 'Finished, decrypted'
  if (local.ended) return local.ended.code
  if (local.taskId === null) return 'not sent'
  return seen?.progress ?? (escrow && escrow.state !== 'None' ? `escrow: ${escrow.state}` : 'unknown')
}
