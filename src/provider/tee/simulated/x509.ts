import { createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import { bits, boolean, explicit, integer, octets, oid, sequence, set, time, utf8 } from './der.ts'

/** A certified key. */
export interface Identity {
  readonly key: KeyObject
  /** DER. */
  readonly certificate: Uint8Array
}

export interface CertificateFields {
  readonly subject: string
  readonly issuer: string
  readonly publicKey: KeyObject
  readonly isAuthority: boolean
  /** ms */
  readonly notBefore: number
  /** ms */
  readonly notAfter: number
  /** Default random. */
  readonly serial?: Uint8Array
  /** DER of further extensions. */
  readonly extensions?: readonly Uint8Array[]
}

const OID = {
  ecdsaSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  crlNumber: '2.5.29.20',
}
const ALGORITHM = sequence(oid(OID.ecdsaSha256))
const KEY_CERT_SIGN_AND_CRL_SIGN = 0x06
const DIGITAL_SIGNATURE = 0x80

/** An X.509 v3 certificate with ECDSA P-256. @see https://www.rfc-editor.org/rfc/rfc5280 */
export function certify(fields: CertificateFields, issuerKey: KeyObject): Uint8Array {
  const usage = Buffer.from([0x03, 2, 0, fields.isAuthority ? KEY_CERT_SIGN_AND_CRL_SIGN : DIGITAL_SIGNATURE])
  const constraints = fields.isAuthority ? sequence(boolean(true)) : sequence()
  const extensions = [
    extension(OID.keyUsage, usage, true),
    extension(OID.basicConstraints, constraints, true),
    ...(fields.extensions ?? []),
  ]
  const body = sequence(
    explicit(0, integer(2)),
    integer(fields.serial ?? randomSerial()),
    ALGORITHM,
    name(fields.issuer),
    sequence(time(fields.notBefore), time(fields.notAfter)),
    name(fields.subject),
    fields.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions)),
  )
  return signed(body, issuerKey)
}

export interface RevocationFields {
  readonly issuer: string
  /** ms */
  readonly thisUpdate: number
  /** ms */
  readonly nextUpdate: number
  readonly serials: readonly Uint8Array[]
}

/** A revocation list of version 2. */
export function revoke(fields: RevocationFields, issuerKey: KeyObject): Uint8Array {
  const entries = fields.serials.map((serial) => sequence(integer(serial), time(fields.thisUpdate)))
  const body = sequence(
    integer(1),
    ALGORITHM,
    name(fields.issuer),
    time(fields.thisUpdate),
    time(fields.nextUpdate),
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    explicit(0, sequence(extension(OID.crlNumber, integer(1)))),
  )
  return signed(body, issuerKey)
}

export const extension = (id: string, value: Uint8Array, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))

/** PEM chain, leaf first. */
export const pem = (...certificates: readonly Uint8Array[]): string =>
  certificates
    .map((der) =>
      Buffer.from(der)
        .toString('base64')
        .match(/.{1,64}/g)!
        .join('\n'),
    )
    .map((body) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`)
    .join('')

/** x ‖ y of a P-256 key, 64 bytes. */
export function publicPoint(key: KeyObject): Buffer {
  const { x, y } = createPublicKey(key).export({ format: 'jwk' })
  return Buffer.concat([Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')])
}

/** r ‖ s over sha256, 64 bytes. */
export const signRaw = (data: Uint8Array, key: KeyObject): Buffer =>
  sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })

/** 20 bytes, positive as a signed integer. */
export function randomSerial(): Buffer {
  const serial = randomBytes(20)
  serial[0] = (serial[0]! & 0x7f) | 0x40
  return serial
}

const name = (commonName: string): Buffer => sequence(set(sequence(oid(OID.commonName), utf8(commonName))))

const signed = (body: Uint8Array, key: KeyObject): Uint8Array =>
  sequence(body, ALGORITHM, bits(sign('sha256', body, key)))
