import { createHash } from 'node:crypto'
import { AppError } from '../../base/errors.ts'
import {
  type Envelope,
  envelopeHash,
  type Json,
  openRequest,
  ResponseSealer,
  type SealedHashes,
} from '../../protocol/e2ee/index.ts'
import type { Tee } from '../tee/tee.ts'
import { isObject } from './inferenceRequest.ts'

/** A request that was sealed to the enclave, opened, and what seals its answer. */
export interface OpenedRequest {
  /** The body as the caller wrote it. */
  readonly raw: Buffer
  readonly body: Record<string, unknown>
  readonly requestHash: string
  readonly sealer: ResponseSealer
}

/** Sealed bytes, and what stands for them in the text proof. */
export interface SealedBytes {
  readonly bytes: Buffer
  readonly hash: string
}

/**
 * Opens a request inside the enclave. Nothing of it is kept.
 * @throws AppError `e2ee_unsupported`, `e2ee_malformed`, `e2ee_open_failed` (400), `e2ee_key_mismatch` (409)
 * @see provider-broker.md section 1.14
 */
export async function openSealed(
  body: Record<string, unknown>,
  { encryption, signer }: Pick<Tee, 'encryption' | 'signer'>,
): Promise<OpenedRequest> {
  if (!encryption) throw unsupported()
  const envelope = body as unknown as Envelope
  const opened = await openRequest(envelope, { ...encryption, signer })
  return {
    raw: Buffer.from(JSON.stringify(opened.body)),
    body: { ...opened.body },
    requestHash: envelopeHash(envelope),
    sealer: await ResponseSealer.to(opened.clientKey),
  }
}

/** Seals one answer, and sums up what was delivered of it. */
export class AnswerSeal {
  readonly #sealer: ResponseSealer
  readonly #isStream: boolean
  readonly #frames = createHash('sha256')
  #last: Json = {}
  #whole = ''

  constructor({ sealer }: OpenedRequest, isStream: boolean) {
    this.#sealer = sealer
    this.#isStream = isStream
  }

  /** A whole answer. @throws SyntaxError when the engine's is no JSON object */
  whole(body: Buffer): Promise<SealedBytes> {
    return this.#seal(parse(body.toString('utf8')), true)
  }

  /** An event of a stream by its data; null for one that says nothing. @throws SyntaxError for what is no JSON object */
  async frame(data: string): Promise<SealedBytes | null> {
    if (data === '') return null
    this.#last = parse(data)
    return asEvent(await this.#seal(this.#last, false))
  }

  /** The last frame, which says that nothing was cut off: like the one before it, and empty. */
  async end(): Promise<SealedBytes> {
    const named = ['id', 'object', 'created', 'model'].filter((name) => Object.hasOwn(this.#last, name))
    const head = Object.fromEntries(named.map((name) => [name, this.#last[name]]))
    return asEvent(await this.#seal({ ...head, choices: [] }, true))
  }

  /** An engine's refusal may quote what it was asked: only its caller reads it. */
  async refusal(body: Buffer, error: object): Promise<Buffer> {
    const { bytes } = await this.#seal({ refusal: body.toString('utf8') }, true)
    return Buffer.from(JSON.stringify({ ...error, ...parse(bytes.toString('utf8')) }))
  }

  /** Counts sealed bytes as delivered. */
  note({ hash }: SealedBytes): void {
    if (this.#isStream) this.#frames.update(hash, 'hex')
    else this.#whole = hash
  }

  /** What stands for everything delivered so far. @see provider-broker.md section 1.13 */
  get responseHash(): string {
    return this.#isStream ? this.#frames.copy().digest('hex') : this.#whole
  }

  async #seal(frame: Json, isFinal: boolean): Promise<SealedBytes> {
    const { envelope, hash } = await this.#sealer.sealHashed(frame, isFinal)
    return { bytes: Buffer.from(JSON.stringify(envelope)), hash }
  }
}

/** Half of what the receipt of a sealed exchange says of it. */
export const sealedRequest = (
  { requestHash }: OpenedRequest,
  stream: boolean,
): Omit<SealedHashes, 'responseHash'> => ({ requestHash, stream })

const asEvent = ({ bytes, hash }: SealedBytes): SealedBytes => ({
  bytes: Buffer.concat([Buffer.from('data: '), bytes, Buffer.from('\n\n')]),
  hash,
})

function parse(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text)
  if (!isObject(value)) throw new SyntaxError('no JSON object')
  return value
}

const unsupported = (): AppError =>
  new AppError({
    code: 'e2ee_unsupported',
    message: 'This provider has no enclave that sealed requests could be opened in',
    hint: 'Nothing was charged. Choose a provider whose evidence carries an encryption key',
    next: '0g-compute provider list',
    status: 400,
  })
