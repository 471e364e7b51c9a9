import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { AppError } from '../../base/errors.ts'
import { sha256Hex } from './hash.ts'

/** A certificate chain and its key, PEM. The key belongs into the enclave. */
export interface TlsIdentity {
  readonly cert: string
  readonly key: string
}

/** Reads both files. @throws AppError `tls_unreadable` */
export function readTlsIdentity(files: { readonly cert: string; readonly key: string }): TlsIdentity {
  try {
    const identity = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') }
    tlsKeyDigest(identity)
    return identity
  } catch (cause) {
    throw new AppError({
      code: 'tls_unreadable',
      message: `Cannot read a certificate and its key from ${files.cert} and ${files.key}`,
      hint: 'Both are PEM; the certificate comes first in its file, those that it rests on after it',
      next: '0g-compute provider check',
      cause,
    })
  }
}

/** sha256 of the certificate's public key (SPKI, DER) as 64 hex digits: what evidence binds and clients pin. */
export const tlsKeyDigest = ({ cert }: TlsIdentity): string =>
  sha256Hex(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }))
