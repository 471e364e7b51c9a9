import type { Address } from '../../base/hex.ts'
import { sameAddress } from '../../base/hex.ts'
import { fromBase64Url, toBase64Url } from './base64url.ts'
import { type Envelope, envelopeAad, keyIdOf } from './envelope.ts'
import { keyMismatch, openFailed, sealedMalformed } from './errors.ts'
import { type Json, joinFields, sealedInRequest, sealedNames, splitFields } from './fields.ts'
import { ResponseOpener } from './response.ts'
import { buffer, KEM_ID, REQUEST_INFO, SUITE } from './suite.ts'

export interface SealTarget {
  /** X25519 key that verified evidence carries, 32 bytes. */
  readonly publicKey: Uint8Array
  /** The enclave's signer, as evidence names it. */
  readonly signer: Address
}

export interface SealedRequest {
  readonly envelope: Envelope
  /** Opens an answer to this request, from its first frame. */
  opener(): ResponseOpener
}

/**
 * Seals a request's body to an enclave: all of it but what is known to be harmless.
 * @throws AppError `e2ee_malformed` when nothing would be sealed
 * @see provider-broker.md section 1.14
 */
export async function sealRequest(body: Json, target: SealTarget): Promise<SealedRequest> {
  const names = sealedInRequest(body)
  if (names.length === 0) throw sealedMalformed('there is nothing to seal')
  const { sealed, clear } = splitFields(body, names)
  const answerKey = await SUITE.kem.generateKeyPair()
  const recipientPublicKey = await SUITE.kem.deserializePublicKey(buffer(target.publicKey))
  const sender = await SUITE.createSenderContext({ recipientPublicKey, info: REQUEST_INFO })
  const head = {
    v: 1,
    kem_id: KEM_ID,
    key_id: toBase64Url(keyIdOf(target.publicKey)),
    signer_addr: target.signer.toLowerCase(),
    client_eph_pub: toBase64Url(new Uint8Array(await SUITE.kem.serializePublicKey(answerKey.publicKey))),
    enc: toBase64Url(new Uint8Array(sender.enc)),
    sealed_fields: names,
    ciphertext: '',
  } as const
  const aad = envelopeAad({ ...clear, _e2ee: head })
  const plaintext = new TextEncoder().encode(JSON.stringify(sealed))
  const ciphertext = toBase64Url(new Uint8Array(await sender.seal(buffer(plaintext), buffer(aad))))
  return {
    envelope: { ...clear, _e2ee: { ...head, ciphertext } },
    opener: () => new ResponseOpener(answerKey.privateKey),
  }
}

export interface OpenKey {
  /** X25519, 32 bytes each. */
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
  readonly signer: Address
}

export interface OpenedRequest {
  /** The body as it was before it was sealed. */
  readonly body: Json
  /** To which the answer is sealed, 32 bytes. */
  readonly clientKey: Uint8Array
}

/**
 * Opens a sealed request inside the enclave. Fails closed: every deviation from the protocol is an error.
 * @throws AppError `e2ee_malformed` (400), `e2ee_key_mismatch` (409), `e2ee_open_failed` (400)
 */
export async function openRequest(envelope: Envelope, key: OpenKey): Promise<OpenedRequest> {
  const { _e2ee: head, ...clear } = envelope
  if (typeof head !== 'object' || head === null || head.v !== 1)
    throw sealedMalformed('version 1 is expected')
  if (head.kem_id !== KEM_ID) throw sealedMalformed(`kem_id ${KEM_ID} is expected`)
  const names = sealedNames(head)
  if (head.key_id !== toBase64Url(keyIdOf(key.publicKey))) throw keyMismatch()
  if (typeof head.signer_addr !== 'string' || !sameAddress(head.signer_addr, key.signer)) throw keyMismatch()
  const clientKey = binary(head.client_eph_pub, 'client_eph_pub', 32)
  const enc = binary(head.enc, 'enc', 32)
  const ciphertext = binary(head.ciphertext, 'ciphertext')
  const plaintext = await open(key, enc, ciphertext, envelopeAad(envelope))
  return { body: joinFields(clear, plaintext, names), clientKey }
}

async function open(
  key: OpenKey,
  enc: Uint8Array,
  ciphertext: Uint8Array,
  aad: Uint8Array,
): Promise<Uint8Array> {
  try {
    const recipientKey = await SUITE.kem.deserializePrivateKey(buffer(key.privateKey))
    const recipient = await SUITE.createRecipientContext({
      recipientKey,
      enc: buffer(enc),
      info: REQUEST_INFO,
    })
    return new Uint8Array(await recipient.open(buffer(ciphertext), buffer(aad)))
  } catch (error) {
    throw openFailed(error)
  }
}

function binary(value: unknown, name: string, length?: number): Uint8Array {
  try {
    const bytes = fromBase64Url(value as string)
    if (length === undefined || bytes.length === length) return bytes
  } catch {
    // Said below.
  }
  throw sealedMalformed(`${name} is no base64url of its length`)
}
