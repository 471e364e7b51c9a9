import type { Verdict } from '../attestation/verdict.ts'
import { firstFailure } from '../attestation/verdict.ts'
import { AppError, EXIT } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import type { SignedReceipt } from '../protocol/receipt.ts'
import type { Judgement } from './answerJudge.ts'
import type { Usage } from './chatAnswer.ts'
import type { FinishedExchange } from './exchange.ts'
import type { Offer } from './offers.ts'

/** A finished answer. Amounts in neuron. */
export interface Answer {
  readonly id: string
  readonly provider: Address
  readonly model: string
  readonly text: string
  readonly finishReason: string | null
  readonly usage: Usage | null
  /** By the receipt; null without one. */
  readonly fee: bigint | null
  readonly verdict: Verdict
  readonly receipt: SignedReceipt | null
  /** Whether request and answer were sealed between this client and the enclave. */
  readonly sealed: boolean
  /** `bearer`: whoever saw the request could spend with its token. */
  readonly auth: 'session' | 'bearer'
  /** From sending to the first text, ms. */
  readonly firstTextMs: number | null
  readonly totalMs: number
  /** Before the request left: choosing, checking, funding; ms. */
  readonly beforeMs: number
}

/**
 * The answer, judged.
 * @throws AppError why it broke off, with what was billed for what came
 */
export function answerOf(
  offer: Offer,
  finished: FinishedExchange,
  { verdict, receipt }: Judgement,
  beforeMs: number,
): Answer {
  const { answer, cut } = finished
  // What arrived whole, cannot be read and contradicts its proof was tampered with: a verdict, not an error.
  const tampered = finished.whole && verdict.outcome === 'rejected'
  if (cut && !tampered) throw withReceipt(cut, receipt, verdict)
  return {
    id: finished.id,
    provider: offer.service.provider,
    model: offer.model,
    text: answer.text,
    finishReason: answer.finishReason,
    usage: answer.usage,
    fee: receipt?.receipt.fee ?? null,
    verdict,
    receipt,
    sealed: finished.sealed !== null,
    auth: finished.auth,
    firstTextMs: finished.firstTextMs,
    totalMs: finished.totalMs,
    beforeMs,
  }
}

/** The failure, with what was billed for what came. */
const withReceipt = (cut: AppError, receipt: SignedReceipt | null, { outcome }: Verdict): AppError =>
  new AppError({
    code: cut.code,
    message: cut.message,
    ...(cut.hint !== undefined && { hint: cut.hint }),
    ...(cut.next !== undefined && { next: cut.next }),
    retryable: cut.retryable,
    exitCode: cut.exitCode,
    details: { ...cut.details, fee: receipt ? receipt.receipt.fee.toString() : null, verdict: outcome },
    cause: cut,
  })

/**
 * Lets through what was not rejected.
 * @throws AppError `answer_rejected` (exit 10)
 */
export function assertNotFalse({ verdict, id, provider, fee }: Answer): void {
  if (verdict.outcome !== 'rejected') return
  const failure = firstFailure(verdict)
  throw new AppError({
    code: 'answer_rejected',
    message: `The answer contradicts its proof at step "${failure?.name}": ${failure?.detail}`,
    hint: 'Do not rely on it. What was charged for it stands in the receipt, and the audit compares that with the chain',
    next: '0g-compute receipts audit',
    exitCode: EXIT.rejected,
    status: 502,
    details: { id, provider, step: failure?.name, fee: fee?.toString() ?? null },
  })
}
