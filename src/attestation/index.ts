/** Verification of what the network promises: `import { verifyProvider, verifyReceipt } from '0g-compute/attestation'`. */
export type { AnnouncedModel, NvidiaVerifier } from './checkService.ts'
export { type Collateral, readCollateral } from './collateral.ts'
export { NOT_COVERED } from './coverage.ts'
export { type Evidence, type EvidenceForm, readEvidence } from './evidence.ts'
export { NVIDIA_ATTEST_URL, NVIDIA_ISSUER, NVIDIA_KEYS_URL } from './nvidiaToken.ts'
export { default as POLICY_SCHEMA } from './policy.schema.json' with { type: 'json' }
export { type AllowedMeasurement, DEFAULT_POLICY, type Demand, type Policy, parsePolicy } from './policy.ts'
export { parseReceiptDetail } from './receiptDetail.ts'
export { type ExpectedSigners, expectedSigners } from './signers.ts'
export { TCB_STATUSES, type TcbStatus } from './tcbStatus.ts'
export { parseTdxQuote, type TdReport, type TdxQuote } from './tdxQuote.ts'
export {
  type Assurance,
  combineVerdicts,
  firstFailure,
  type Outcome,
  type Verdict,
  type VerdictStep,
} from './verdict.ts'
export { VerdictCache } from './verdictCache.ts'
export {
  type AnswerProof,
  type Exchange,
  type KnownReceipts,
  NOTHING_KNOWN,
  RECEIPT_CLOCK_TOLERANCE_MS,
  verifyAnswer,
} from './verifyAnswer.ts'
export {
  type ModelServerEvidence,
  type ProviderEvidence,
  type ProviderVerdict,
  type VerifierOptions,
  verifyModelServer,
  verifyProvider,
} from './verifyProvider.ts'
export { type ExpectedReceipt, verifyReceipt } from './verifyReceipt.ts'
