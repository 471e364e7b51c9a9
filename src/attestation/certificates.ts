import { decodeBase64, encodeBase64 } from 'ethers/utils'
import { bytesToHex } from '../base/hex.ts'
import { sameBytes } from './bytes.ts'
import { childrenOf, type DerNode, readDer, readDerList, TAG, timeOf } from './der.ts'
import { malformedEvidence } from './malformed.ts'

/** What is read of an X.509 certificate. Names and keys are DER; times ms. */
export interface Certificate {
  readonly der: Uint8Array
  readonly serial: string
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly notBefore: number
  readonly notAfter: number
  readonly publicKey: Uint8Array
  readonly isAuthority: boolean
  /** The subject's common name, or ''. */
  readonly commonName: string
}

/** What is read of a certificate revocation list. */
export interface RevocationList {
  readonly issuer: Uint8Array
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly serials: ReadonlySet<string>
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

const MAX_CHAIN = 4
const BASIC_CONSTRAINTS = '551d13'
const COMMON_NAME = '550403'
/** AlgorithmIdentifier of ecdsa-with-SHA256. */
const ECDSA_SHA256 = '300a06082a8648ce3d040302'

/** @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1 */
export function readCertificate(der: Uint8Array): Certificate {
  const what = 'a certificate'
  const [tbs, algorithm] = childrenOf(readDer(der, what), TAG.sequence, what)
  const fields = childrenOf(tbs, TAG.sequence, what).filter(({ tag }) => tag !== TAG.explicit0)
  const [serial, signedAlgorithm, issuer, validity, subject, publicKey, ...rest] = fields
  if (serial?.tag !== TAG.integer || !issuer || !subject || !publicKey) {
    throw malformedEvidence('a certificate has an unexpected structure')
  }
  assertAlgorithm(algorithm, signedAlgorithm)
  const [notBefore, notAfter] = childrenOf(validity, TAG.sequence, what)
  return {
    der,
    serial: bytesToHex(serial.content),
    issuer: issuer.bytes,
    subject: subject.bytes,
    notBefore: timeOf(notBefore, what),
    notAfter: timeOf(notAfter, what),
    publicKey: publicKey.bytes,
    isAuthority: isAuthority(rest.find(({ tag }) => tag === TAG.explicit3)),
    commonName: commonNameOf(subject),
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc5280#section-5.1 */
export function readRevocationList(der: Uint8Array): RevocationList {
  const what = 'a revocation list'
  const [tbs, algorithm, signature] = childrenOf(readDer(der, what), TAG.sequence, what)
  const fields = childrenOf(tbs, TAG.sequence, what).filter(({ tag }) => tag !== TAG.integer)
  const [signedAlgorithm, issuer, thisUpdate, nextUpdate, revoked] = fields
  if (!tbs || !issuer || signature?.tag !== TAG.bitString || signature.content[0] !== 0) {
    throw malformedEvidence(`${what} has an unexpected structure`)
  }
  assertAlgorithm(algorithm, signedAlgorithm)
  const entries = revoked?.tag === TAG.sequence ? readDerList(revoked.content, what) : []
  return {
    issuer: issuer.bytes,
    thisUpdate: timeOf(thisUpdate, what),
    nextUpdate: timeOf(nextUpdate, what),
    serials: new Set(
      entries.map((entry) =>
        bytesToHex(childrenOf(entry, TAG.sequence, what)[0]?.content ?? new Uint8Array()),
      ),
    ),
    signed: tbs.bytes,
    signature: signature.content.subarray(1),
  }
}

/**
 * A PEM chain, leaf first. Between the blocks only white space may stand: what no reader hashes must not be there.
 * @throws AppError `evidence_malformed`
 */
export function readPemChain(text: string, what: string): Certificate[] {
  const blocks = [
    ...text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g),
  ]
  const others = text.replace(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g, '')
  if (blocks.length === 0 || blocks.length > MAX_CHAIN || /[^\s\0]/.test(others)) {
    throw malformedEvidence(`${what} is no PEM chain`)
  }
  return blocks.map(([, body]) => readCertificate(decodeBody(body!, what)))
}

/** A chain as every PEM reader understands it in the same way. */
export const writePemChain = (chain: readonly Pick<Certificate, 'der'>[]): string =>
  chain
    .map(({ der }) =>
      encodeBase64(der)
        .match(/.{1,64}/g)!
        .join('\n'),
    )
    .map((body) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`)
    .join('')

/**
 * Whether a chain hangs together: each name issued by the next, authorities that may issue, ended by the root.
 * Signatures are checked elsewhere. @returns what is wrong, or null
 */
export function chainFault(chain: readonly Certificate[], root: Certificate, now: number): string | null {
  const last = chain.at(-1)!
  const full = sameBytes(last.der, root.der) ? chain : [...chain, root]
  for (const [index, certificate] of full.entries()) {
    const issuer = full[index + 1] ?? certificate
    if (!sameBytes(certificate.issuer, issuer.subject)) {
      return index < full.length - 2
        ? 'the chain is out of order'
        : 'the chain does not end in the expected root'
    }
    if (certificate.isAuthority !== index > 0)
      return `"${certificate.commonName}" is in a place that is not its own`
    if (now < certificate.notBefore)
      return `"${certificate.commonName}" is not valid before ${day(certificate.notBefore)}`
    if (now > certificate.notAfter)
      return `"${certificate.commonName}" expired on ${day(certificate.notAfter)}`
  }
  return null
}

/** Whether the issuer signed the list: ECDSA P-256 with SHA-256. */
export async function isSignedBy(list: RevocationList, issuer: Certificate): Promise<boolean> {
  try {
    const curve = { name: 'ECDSA', namedCurve: 'P-256' }
    const key = await crypto.subtle.importKey('spki', copy(issuer.publicKey), curve, false, ['verify'])
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
    return await crypto.subtle.verify(algorithm, key, copy(rawSignature(list.signature)), copy(list.signed))
  } catch {
    return false
  }
}

/** Both places that name it say ECDSA with SHA-256; only one of them is signed. */
function assertAlgorithm(...nodes: readonly (DerNode | undefined)[]): void {
  if (nodes.some((node) => !node || bytesToHex(node.bytes) !== ECDSA_SHA256)) {
    throw malformedEvidence('a certificate or list is not signed with ECDSA and SHA-256')
  }
}

const day = (time: number): string => new Date(time).toISOString().slice(0, 10)

const copy = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

function decodeBody(body: string, what: string): Uint8Array {
  try {
    return decodeBase64(body.replace(/\s/g, ''))
  } catch (error) {
    throw malformedEvidence(`${what} is no PEM chain`, error)
  }
}

/** r ‖ s of a DER signature. */
function rawSignature(der: Uint8Array): Uint8Array {
  const what = 'a signature'
  const raw = new Uint8Array(64)
  for (const [index, { content }] of childrenOf(readDer(der, what), TAG.sequence, what).entries()) {
    const number = content[0] === 0 ? content.subarray(1) : content
    if (index > 1 || number.length > 32) throw malformedEvidence('a signature has an unexpected structure')
    raw.set(number, 32 * index + 32 - number.length)
  }
  return raw
}

function isAuthority(extensions: DerNode | undefined): boolean {
  if (!extensions) return false
  const what = 'a certificate'
  for (const extension of childrenOf(readDer(extensions.content, what), TAG.sequence, what)) {
    const [oid, ...rest] = childrenOf(extension, TAG.sequence, what)
    if (!oid || bytesToHex(oid.content) !== BASIC_CONSTRAINTS) continue
    const value = rest.at(-1)
    const [flag] = childrenOf(readDer(value?.content ?? new Uint8Array(), what), TAG.sequence, what)
    return flag?.tag === TAG.boolean && flag.content[0] === 0xff
  }
  return false
}

function commonNameOf(subject: DerNode): string {
  const what = 'a name'
  for (const set of readDerList(subject.content, what)) {
    const [type, value] = childrenOf(readDer(set.content, what), TAG.sequence, what)
    if (type && value && bytesToHex(type.content) === COMMON_NAME)
      return new TextDecoder().decode(value.content)
  }
  return ''
}
