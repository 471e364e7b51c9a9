export { parseReceiptDetail } from './receiptDetail.ts'
export { type ExpectedSigners, expectedSigners } from './signers.ts'
export {
  type Assurance,
  combineVerdicts,
  firstFailure,
  type Outcome,
  type Verdict,
  type VerdictStep,
} from './verdict.ts'
export {
  type AnswerProof,
  type Exchange,
  type KnownReceipts,
  NOTHING_KNOWN,
  RECEIPT_CLOCK_TOLERANCE_MS,
  verifyAnswer,
} from './verifyAnswer.ts'
export { type ProviderEvidence, type ProviderVerdict, verifyProvider } from './verifyProvider.ts'
