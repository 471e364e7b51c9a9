import { checkReceipt } from './checkReceipt.ts'
import { checkText } from './checkText.ts'
import type { AnswerProof, Exchange, KnownReceipts } from './exchange.ts'
import { type Assurance, StepList, type Verdict } from './verdict.ts'

export { RECEIPT_CLOCK_TOLERANCE_MS } from './checkReceipt.ts'
export {
  type AnswerProof,
  type Bounds,
  type Exchange,
  type KnownReceipts,
  NOTHING_KNOWN,
} from './exchange.ts'

/**
 * Decides whether an answer is what its proof says and costs what was agreed. Pure: no HTTP, no clock.
 *
 * Rejected when anything contradicts; incomplete when a proof is missing or the answer was cut short.
 * @param assurance what the check of the provider came to: it says who holds the key, this only that it signed
 */
export function verifyAnswer(
  exchange: Exchange,
  proof: AnswerProof,
  known: KnownReceipts,
  assurance: Assurance,
): Verdict {
  const steps = new StepList()
  checkText(steps, exchange, proof.text)
  checkReceipt(steps, exchange, proof.receipt, known)
  return steps.verdict(assurance)
}
