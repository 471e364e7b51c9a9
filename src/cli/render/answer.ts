import { firstFailure } from '../../attestation/verdict.ts'
import type { Answer } from '../../client/answer.ts'
import { receiptToJson } from '../../protocol/receipt.ts'

/** An answer for programs. Amounts are decimal strings in neuron. */
export const answerObject = (answer: Answer): object => ({
  id: answer.id,
  provider: answer.provider,
  model: answer.model,
  text: answer.text,
  finishReason: answer.finishReason,
  usage: answer.usage && {
    prompt_tokens: answer.usage.promptTokens,
    completion_tokens: answer.usage.completionTokens,
  },
  fee: answer.fee?.toString() ?? null,
  verdict: answer.verdict.outcome,
  assurance: answer.verdict.assurance,
  failedStep: firstFailure(answer.verdict)?.name ?? null,
  steps: answer.verdict.steps,
  sealed: answer.sealed,
  auth: answer.auth,
  receipt: answer.receipt && receiptToJson(answer.receipt),
  durations: { before: answer.beforeMs, firstText: answer.firstTextMs, total: answer.totalMs },
})
