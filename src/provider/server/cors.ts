import type { IncomingMessage, ServerResponse } from 'node:http'
import { HEADER } from '../../protocol/headers.ts'
import { RATE_HEADER_NAMES } from './limits/rateHeaders.ts'

/** What a page may read beside the body. */
const EXPOSED = [
  HEADER.responseKey,
  HEADER.receipt,
  HEADER.provider,
  HEADER.cappedTo,
  HEADER.auth,
  'retry-after',
  RATE_HEADER_NAMES,
].join(', ')

/**
 * Lets pages read the answer: of every origin, for money moves by a token that a page was given, never by cookie; or of
 * the listed origins only.
 * @param origins as browsers write them, `https://app.example.org`
 */
export function allowOrigin(
  { headers }: IncomingMessage,
  res: ServerResponse,
  origins: readonly string[] | undefined,
): void {
  const { origin } = headers
  if (origins) res.setHeader('vary', 'origin')
  if (origins && (origin === undefined || !origins.includes(origin))) return
  res.setHeader('access-control-allow-origin', origins ? (origin as string) : '*')
  res.setHeader('access-control-expose-headers', EXPOSED)
}
