import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from '../../base/errors.ts'

export interface ProxyToken {
  readonly token: string
  /** Whether it was made now, and has to be shown. */
  readonly isNew: boolean
}

/** The proxy's own bearer token: made once, kept in a file for its owner alone. @param renew makes another one */
export function openProxyToken(path: string, renew: boolean): ProxyToken {
  const kept = renew ? null : read(path)
  if (kept) return { token: kept, isNew: false }
  const token = `zg-${randomBytes(24).toString('base64url')}`
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, `${token}\n`, { mode: 0o600 })
  return { token, isNew: true }
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

function read(path: string): string | null {
  try {
    const token = readFileSync(path, 'utf8').trim()
    return /^zg-[\w-]{32}$/.test(token) ? token : null
  } catch {
    return null
  }
}
