import { AppError } from '../../base/errors.ts'

/** Whether what was sent then was answered, and charged, nobody can say. */
const UNKNOWN_CODES = new Set(['provider_unreachable', 'provider_slow'])
/** Nothing had been sent. */
const UNCONNECTED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'])

/**
 * What a failure cost, neuron: as its receipt says, null where the request had left and no receipt came, and nothing
 * where none had left or it was refused.
 */
export function feeIn(error: unknown): bigint | null {
  if (!(error instanceof AppError)) return null
  const fee = error.details?.fee
  if (typeof fee === 'string') return BigInt(fee)
  const isLost = UNKNOWN_CODES.has(error.code) && !UNCONNECTED.has(codeOf(error.cause))
  return fee === null || isLost ? null : 0n
}

const codeOf = (cause: unknown): string => String((cause as { code?: unknown } | undefined)?.code)
