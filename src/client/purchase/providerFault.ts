import { AppError } from '../../base/errors.ts'

/** Codes of faults that are the provider's alone, whatever else they say. */
const ALWAYS = new Set([
  'provider_rejected',
  'tls_key_mismatch',
  'evidence_malformed',
  'provider_answer_malformed',
  'model_not_found',
  'price_changed',
  'private_unavailable',
  'token_wrong_provider',
  'e2ee_unsupported',
])
/** Retryable, and not the provider's fault: another one would not help. */
const NEVER = new Set(['rpc_unreachable', 'transaction_unknown'])

/** What an old list of offers can lead to. Of none of them anything was paid. */
const STALE = new Set([
  'provider_unreachable',
  'provider_unknown',
  'provider_rejected',
  'model_unknown',
  'model_not_found',
  'no_provider',
  'no_attested_provider',
  'no_suitable_provider',
  'price_changed',
  'max_cost_exceeded',
])

/** Whether it may be otherwise where it is read anew who sells what. */
export const mayBeStale = (error: unknown): boolean => error instanceof AppError && STALE.has(error.code)

/** Whether a broker names another price than the one that was read: the offers are compared anew. */
export const isPriceChanged = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'price_changed'

/** Whether another enclave answers than the one that was checked: it has another key. */
export const isOtherEnclave = ({ code }: AppError): boolean =>
  code === 'e2ee_key_mismatch' || code === 'e2ee_unsupported' || code === 'tls_key_mismatch'

/** A failure for which another provider may be asked, because nothing of an answer was shown yet. */
export class ProviderFault extends Error {
  override readonly name = 'ProviderFault'
  override readonly cause: AppError

  private constructor(cause: AppError) {
    super(cause.message)
    this.cause = cause
  }

  /** The error as a fault of the provider where it is one, else as it is. */
  static of(error: unknown): unknown {
    if (!(error instanceof AppError) || NEVER.has(error.code)) return error
    return error.retryable || ALWAYS.has(error.code) ? new ProviderFault(error) : error
  }
}
