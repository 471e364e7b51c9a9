import { STATUS_CODES } from 'node:http'
import type { AppError } from '../../base/errors.ts'

/** How errors leave the broker: OpenAI's shape, or that of the network's present broker. */
export type ErrorStyle = 'openai' | 'compat'

/** Status as it is sent: the present broker answers 400 where a caller or its money is at fault. */
export const statusOf = ({ status }: AppError, style: ErrorStyle): number =>
  style === 'compat' && (status === 401 || status === 402 || status === 403) ? 400 : status

/** An error in OpenAI's shape, so that every client's error classes fit; ours are the fields after `code`. */
export function errorBody(error: AppError, style: ErrorStyle = 'openai'): object {
  if (style === 'compat') return compatBody(error)
  const { code, message, ...rest } = error.toObject()
  return { error: { message, type: errorType(error.status), param: null, code, ...rest } }
}

/** @see provider-broker.md section 1.9 */
function compatBody({ status, message }: AppError): object {
  if (status === 429) return { error: { type: 'rate_limit_error', message } }
  return { error: status >= 500 ? (STATUS_CODES[status] ?? 'error') : message }
}

function errorType(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error'
    case 402:
      return 'insufficient_quota'
    case 403:
      return 'permission_error'
    case 404:
      return 'not_found_error'
    case 409:
      return 'conflict_error'
    case 429:
      return 'rate_limit_error'
    default:
      return status < 500 ? 'invalid_request_error' : 'server_error'
  }
}
