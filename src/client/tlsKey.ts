import { createHash, X509Certificate } from 'node:crypto'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { AppError, EXIT } from '../base/errors.ts'

/** sha256 of the key (SubjectPublicKeyInfo) that a connection ends at, 64 hex digits; null over plain HTTP. */
export function tlsKeyOf(socket: Socket): string | null {
  if (!(socket instanceof TLSSocket)) return null
  // Not `getPeerX509Certificate`: asked a second time it gives the next certificate of the chain, or none.
  // Null, whatever its type says, once the connection is over.
  const raw = socket.getPeerCertificate()?.raw
  if (!raw) return null
  const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('hex')
}

/** The TLS keys that are expected. Who shares a host with another names a key beside the other's, never in its place. */
export class ExpectedTlsKeys {
  /** By host, then by who named them. */
  readonly #keys = new Map<string, Map<string, string>>()

  /** @param key null for any */
  set(owner: string, url: string, key: string | null): void {
    const named = this.#keys.get(originOf(url)) ?? new Map<string, string>()
    this.#keys.set(originOf(url), named)
    if (key === null) named.delete(owner)
    else named.set(owner, key)
  }

  /** All that a connection to the host of a URL has to end at; none where any will do. */
  at(url: string): readonly string[] {
    return [...(this.#keys.get(originOf(url))?.values() ?? [])]
  }
}

const originOf = (url: string): string => URL.parse(url)?.origin ?? url

/** Calls back when a request has a connection whose key can be seen, and nothing of the request has left. */
export function onceSecure(outgoing: ClientRequest, then: (key: string | null) => void): void {
  outgoing.once('socket', (socket) => {
    const isWaiting = socket instanceof TLSSocket && !outgoing.reusedSocket
    if (isWaiting) socket.once('secureConnect', () => then(tlsKeyOf(socket)))
    else then(tlsKeyOf(socket))
  })
}

/** The connection ends at another key than the enclave's. */
export const otherTlsKey = (host: string): AppError =>
  new AppError({
    code: 'tls_key_mismatch',
    message: `The connection to ${host} ends at another TLS key than the one in its evidence`,
    hint: 'Nothing was sent over it: somebody in between could read along. Look at its evidence again',
    next: '0g-compute provider list',
    status: 421,
    exitCode: EXIT.rejected,
  })
