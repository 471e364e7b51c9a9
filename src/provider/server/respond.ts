import type { ServerResponse } from 'node:http'
import type { AppError } from '../../base/errors.ts'
import { HEADER } from '../../protocol/headers.ts'

/** Headers that pages of any origin may send and read: money moves by bearer token, never by cookie. */
export const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': `${HEADER.responseKey}, ${HEADER.receipt}, ${HEADER.provider}, retry-after`,
} as const

const PREFLIGHT = {
  ...CORS,
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': '*, authorization, content-type',
  'access-control-max-age': '86400',
} as const

export function sendJson(
  res: ServerResponse,
  status: number,
  body: string | object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  res.writeHead(status, {
    ...CORS,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  res.end(text)
}

export function sendPreflight(res: ServerResponse): void {
  res.writeHead(204, PREFLIGHT).end()
}

/** An error in OpenAI's shape, so that every client's error classes fit; ours are the fields after `code`. */
export function errorBody(error: AppError): object {
  const { code, message, ...rest } = error.toObject()
  return { error: { message, type: errorType(error.status), param: null, code, ...rest } }
}

export function sendError(res: ServerResponse, error: AppError): void {
  const headers: Record<string, string> = {}
  if (error.status === 405 && typeof error.details?.allow === 'string') headers.allow = error.details.allow
  if (error.retryable && error.status >= 429) headers['retry-after'] = '1'
  // What is left of a request body that nobody will read must not be taken for the next request.
  if (!res.req.complete) headers.connection = 'close'
  sendJson(res, error.status, errorBody(error), headers)
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
