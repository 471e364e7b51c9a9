import type { RecipientContext, SenderContext } from '@hpke/core'
import { fromBase64Url, toBase64Url } from './base64url.ts'
import { bindingHash, type Envelope, envelopeAad } from './envelope.ts'
import { openFailed, sealedMalformed } from './errors.ts'
import { type Json, joinFields, sealedInAnswer, sealedNames, splitFields } from './fields.ts'
import { buffer, RESPONSE_INFO, SUITE } from './suite.ts'

/** Seals an answer frame by frame: one HPKE context, so that frames cannot change places. */
export class ResponseSealer {
  readonly #sender: SenderContext
  readonly #unbound: readonly string[]
  #isFirst = true
  #isOver = false

  private constructor(sender: SenderContext, unbound: readonly string[]) {
    this.#sender = sender
    this.#unbound = unbound
  }

  /**
   * @param clientKey of the request, 32 bytes
   * @param unbound fields in clear that somebody on the way may change
   */
  static async to(clientKey: Uint8Array, unbound: readonly string[] = []): Promise<ResponseSealer> {
    const recipientPublicKey = await SUITE.kem.deserializePublicKey(buffer(clientKey))
    const sender = await SUITE.createSenderContext({ recipientPublicKey, info: RESPONSE_INFO })
    return new ResponseSealer(sender, unbound)
  }

  /**
   * One frame: `choices` is sealed with all that is not known to be harmless. The first frame carries the key, the
   * last says so.
   */
  async seal(frame: Json, isFinal: boolean): Promise<Envelope> {
    return (await this.sealHashed(frame, isFinal)).envelope
  }

  /** The same, with what stands for the frame in signed texts: `envelopeHash`, for less. */
  async sealHashed(
    frame: Json,
    isFinal: boolean,
  ): Promise<{ readonly envelope: Envelope; readonly hash: string }> {
    if (this.#isOver) throw sealedMalformed('a frame after the last one')
    const names = sealedInAnswer(frame)
    // Something is sealed in every frame: what is bound is bound to it.
    if (names.length === 0) return this.sealHashed({ ...frame, choices: null }, isFinal)
    const { sealed, clear } = splitFields(frame, names)
    const first = this.#isFirst ? ({ v: 1, enc: toBase64Url(new Uint8Array(this.#sender.enc)) } as const) : {}
    this.#isFirst = false
    this.#isOver = isFinal
    const head = {
      ...first,
      sealed_fields: names,
      ...(this.#unbound.length > 0 && { unbound_fields: this.#unbound }),
      final: isFinal,
      ciphertext: '',
    }
    const aad = envelopeAad({ ...clear, _e2ee: head })
    const plaintext = new TextEncoder().encode(JSON.stringify(sealed))
    const ciphertext = new Uint8Array(await this.#sender.seal(buffer(plaintext), buffer(aad)))
    const envelope = { ...clear, _e2ee: { ...head, ciphertext: toBase64Url(ciphertext) } }
    return { envelope, hash: bindingHash(aad, ciphertext) }
  }
}

/** Opens an answer frame by frame, in the order in which it was sealed. */
export class ResponseOpener {
  readonly #key: CryptoKey
  #recipient: RecipientContext | null = null
  #isOver = false

  constructor(privateKey: CryptoKey) {
    this.#key = privateKey
  }

  /** Whether the frame that says that it is the last one was opened; an answer without it was cut short. */
  get isComplete(): boolean {
    return this.#isOver
  }

  /** @throws AppError `e2ee_malformed`, `e2ee_open_failed` */
  async open(envelope: Envelope): Promise<Json> {
    const { _e2ee: head, ...clear } = envelope
    if (typeof head !== 'object' || head === null)
      throw sealedMalformed('an answer in clear to a sealed request')
    if (this.#isOver) throw sealedMalformed('a frame after the last one')
    const names = sealedNames(head)
    const recipient = await this.#context(head)
    const plaintext = await decrypt(recipient, head.ciphertext, envelopeAad(envelope))
    this.#isOver = head.final === true
    return joinFields(clear, plaintext, names)
  }

  async #context({ v, enc }: Envelope['_e2ee']): Promise<RecipientContext> {
    if (this.#recipient) {
      if (enc !== undefined) throw sealedMalformed('a second key in an answer')
      return this.#recipient
    }
    if (v !== 1 || typeof enc !== 'string') throw sealedMalformed('the first frame carries no key')
    try {
      const options = { recipientKey: this.#key, enc: buffer(fromBase64Url(enc)), info: RESPONSE_INFO }
      this.#recipient = await SUITE.createRecipientContext(options)
      return this.#recipient
    } catch (error) {
      throw openFailed(error)
    }
  }
}

async function decrypt(
  recipient: RecipientContext,
  ciphertext: string,
  aad: Uint8Array,
): Promise<Uint8Array> {
  try {
    return new Uint8Array(await recipient.open(buffer(fromBase64Url(ciphertext)), buffer(aad)))
  } catch (error) {
    throw openFailed(error)
  }
}
