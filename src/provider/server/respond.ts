import type { ServerResponse } from 'node:http'
import type { AppError } from '../../base/errors.ts'
import { type ErrorStyle, errorBody, statusOf } from './errorBody.ts'

const PREFLIGHT = {
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
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  res.end(text)
}

export function sendPreflight(res: ServerResponse): void {
  res.writeHead(204, PREFLIGHT).end()
}

export function sendError(res: ServerResponse, error: AppError, style: ErrorStyle): void {
  const headers: Record<string, string> = {}
  if (error.status === 405 && typeof error.details?.allow === 'string') headers.allow = error.details.allow
  if (error.retryable && error.status >= 429) headers['retry-after'] = String(retryAfterSeconds(error))
  // What is left of a request body that nobody will read must not be taken for the next request.
  if (!res.req.complete) headers.connection = 'close'
  sendJson(res, statusOf(error, style), errorBody(error, style), headers)
}

function retryAfterSeconds({ details }: AppError): number {
  const ms = details?.retryAfterMs
  return typeof ms === 'number' ? Math.max(1, Math.ceil(ms / 1000)) : 1
}
