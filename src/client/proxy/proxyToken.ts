import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { AppError } from '../../base/errors.ts'
import { StateFile } from '../stateFile.ts'

export interface ProxyToken {
  readonly token: string
  /** Whether it was made now, and has to be shown. */
  readonly isNew: boolean
}

/**
 * The proxy's own bearer token: made once, also by processes that start together, and kept in a file for its owner
 * alone.
 * @param renew makes another one
 */
export async function openProxyToken(path: string, renew: boolean): Promise<ProxyToken> {
  const file = new StateFile(path)
  const kept = renew ? null : tokenOf(await file.read())
  if (kept) return { token: kept, isNew: false }
  const made = `zg-${randomBytes(24).toString('base64url')}`
  const text = await file.change((other) => `${(!renew && tokenOf(other)) || made}\n`)
  const token = text.trim()
  return { token, isNew: token === made }
}

/** Whether a request carries the token, compared in constant time. @throws AppError `proxy_token_wrong` (401) */
export function assertToken(given: string | undefined, token: string): void {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  if (given !== undefined && timingSafeEqual(digest(given), digest(token))) return
  throw new AppError({
    code: 'proxy_token_wrong',
    message: 'This proxy needs its own token as the API key',
    hint: 'It was shown when the proxy first started, and stands in the file that it names',
    next: '0g-compute proxy --show-token',
    status: 401,
  })
}

function tokenOf(text: string | null): string | null {
  const token = text?.trim() ?? ''
  return /^zg-[\w-]{32}$/.test(token) ? token : null
}
