import type { IncomingMessage, ServerResponse } from 'node:http'
import { toUtf8Bytes } from 'ethers'
import { AppError } from '../../base/errors.ts'
import { type Address, bytesToHex, hexToBytes } from '../../base/hex.ts'
import {
  bindingDigest,
  bindingText,
  boundReportData,
  capabilitiesDigest,
  MAX_NONCE_PATH,
  type NoncePath,
  nonceTree,
} from '../../protocol/quoteBinding.ts'
import type { Engine } from '../engine/engine.ts'
import { Lru } from '../lru.ts'
import type { Tee, TeeEvidence } from '../tee/tee.ts'
import { noEncryptionKey } from './documents.ts'
import { TokenBucket } from './limits/tokenBucket.ts'
import { sendJson } from './respond.ts'

export interface QuoteDeskOptions {
  readonly tee: Tee
  readonly chainId: number
  /** The serving contract. */
  readonly contract: Address
  readonly provider: Address
  /** What it serves now; another list whenever that changes. */
  readonly models: () => readonly Pick<Engine['models'][number], 'id' | 'digest'>[]
  /** What `GET /v1/capabilities` answers. */
  readonly capabilities: object
  /** sha256 of the TLS key, 64 hex digits; null where TLS ends outside. */
  readonly tlsSpki?: string | null
  readonly limits?: Partial<QuoteLimits>
  readonly now?: () => number
}

export interface QuoteLimits {
  /** Quotes with a nonce for one address. */
  readonly perAddressPerMinute: number
  /** Nonces that wait for a quote at a time. */
  readonly waiting: number
  /** Quotes with nonces are made at most so often, ms; those who wait share one. */
  readonly intervalMs: number
}

const LIMITS: QuoteLimits = { perAddressPerMinute: 120, waiting: 2 ** 10, intervalMs: 1000 }
const ADDRESSES = 10_000
/** The quote without a nonce is made anew after this, so that its collateral stays in force, ms. */
const CACHED_MS = 3_600_000
const NONCE = /^[0-9a-f]{64}$/i

interface Waiting {
  readonly nonce: string
  readonly resolve: (document: string) => void
  readonly reject: (error: unknown) => void
}

/** What quotes are bound to beside a nonce, and the models that it names. */
interface Bound {
  readonly models: ReturnType<QuoteDeskOptions['models']>
  readonly text: string
  readonly digest: string
}

/** Hands out quotes: one for everybody, and one for each caller's nonce, of which those of a second share one. */
export class QuoteDesk {
  readonly #options: QuoteDeskOptions
  readonly #limits: QuoteLimits
  readonly #now: () => number
  #bound: Bound | null = null
  readonly #addresses = new Lru<string, TokenBucket>(ADDRESSES)
  #waiting: Waiting[] = []
  #lastQuoteAt = Number.NEGATIVE_INFINITY
  #isScheduled = false
  /** By layout. */
  readonly #cached = new Map<SharedLayout, { readonly document: Promise<string>; readonly at: number }>()

  constructor(options: QuoteDeskOptions) {
    if (2 ** MAX_NONCE_PATH < LIMITS.waiting)
      throw new RangeError('more nonces than a quote can be shared by')
    this.#options = options
    this.#limits = { ...LIMITS, ...options.limits }
    this.#now = options.now ?? Date.now
  }

  /** sha256 of the binding's text: the `evidence` of receipts. The same for every nonce and after a restart. */
  get digest(): string {
    return this.#binding().digest
  }

  /** Made anew when an adapter was loaded or unloaded. */
  #binding(): Bound {
    const { tee, chainId, contract, provider, capabilities, tlsSpki = null } = this.#options
    const models = this.#options.models()
    if (this.#bound?.models === models) return this.#bound
    const text = bindingText({
      v: 1,
      chainId,
      contract,
      provider,
      signer: tee.signer,
      encryptionKey: tee.encryption && bytesToHex(tee.encryption.publicKey),
      tlsSpki,
      models: models.map(({ id, digest }) => ({ id, digest })),
      capabilities: capabilitiesDigest(capabilities),
    })
    this.#bound = { models, text, digest: bindingDigest(text) }
    return this.#bound
  }

  /** The document for a query string: with `nonce` bound to it, without one the deployed layout. */
  document(query: string, address: string): Promise<string> {
    const nonce = nonceIn(query)
    return nonce === null ? this.#shared(layoutIn(query)) : this.#withNonce(nonce, address)
  }

  #shared(layout: SharedLayout): Promise<string> {
    const now = this.#now()
    const cached = this.#cached.get(layout)
    if (cached && now - cached.at < CACHED_MS) return cached.document
    const { tee } = this.#options
    const reportData = layout === 'sealed' ? sealedReportData(tee) : asciiReportData(tee)
    const document = tee.quote(reportData).then((evidence) => render(evidence, reportData, {}))
    this.#cached.set(layout, { document, at: now })
    // A quote that failed is not kept.
    document.catch(() => {
      if (this.#cached.get(layout)?.document === document) this.#cached.delete(layout)
    })
    return document
  }

  #withNonce(nonce: string, address: string): Promise<string> {
    this.#admit(address)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ nonce, resolve, reject })
      this.#schedule()
    })
  }

  /** @throws AppError `quote_rate_limit`, `quote_busy` (429) */
  #admit(address: string): void {
    const now = this.#now()
    const { perAddressPerMinute, waiting } = this.#limits
    const bucket = this.#addresses.get(address) ?? new TokenBucket(perAddressPerMinute, now)
    this.#addresses.set(address, bucket)
    if (!bucket.take(1, now))
      throw tooMany('quote_rate_limit', 'Too many quotes were asked for from this address')
    if (this.#waiting.length >= waiting) throw tooMany('quote_busy', 'Too many callers wait for a quote')
  }

  /** The next quote: at once when the last is old enough, else when it is; whoever comes until then shares it. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    const wait = Math.max(0, this.#lastQuoteAt + this.#limits.intervalMs - this.#now())
    setTimeout(() => void this.#answerWaiting(), wait)
  }

  async #answerWaiting(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    this.#lastQuoteAt = this.#now()
    try {
      const { root, paths } = nonceTree(waiting.map(({ nonce }) => hexToBytes(nonce)))
      const { text: binding } = this.#binding()
      const reportData = boundReportData(binding, root)
      const evidence = await this.#options.tee.quote(reportData)
      for (const [index, { nonce, resolve }] of waiting.entries()) {
        resolve(render(evidence, reportData, { binding, nonce: nonceField(nonce, paths[index]!) }))
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    } finally {
      this.#isScheduled = false
      if (this.#waiting.length > 0) this.#schedule()
    }
  }
}

/** `GET /v1/quote`, with `?nonce=` of 64 hex digits for one that cannot be replayed. */
export async function serveQuote(
  req: IncomingMessage,
  res: ServerResponse,
  quotes: Pick<QuoteDesk, 'document'>,
  address: string,
): Promise<void> {
  const [, query = ''] = (req.url ?? '').split('?')
  sendJson(res, 200, await quotes.document(query, address), { 'cache-control': 'no-store' })
}

/** Of the quotes without a nonce: what every client of the network reads, or what its end-to-end encryption reads. */
type SharedLayout = 'ascii' | 'sealed'

const layoutIn = (query: string): SharedLayout =>
  new URLSearchParams(query).get('legacy') === 'false' ? 'sealed' : 'ascii'

/** The signer as text. */
function asciiReportData({ signer }: Tee): Uint8Array {
  const reportData = new Uint8Array(64)
  reportData.set(toUtf8Bytes(signer))
  return reportData
}

/** Encryption key, signer, version 1. @see provider-broker.md section 1.12 @throws AppError `e2ee_key_missing` (503) */
function sealedReportData({ encryption, signer }: Tee): Uint8Array {
  if (!encryption) throw noEncryptionKey()
  const reportData = new Uint8Array(64)
  reportData.set(encryption.publicKey)
  reportData.set(hexToBytes(signer), 32)
  reportData[55] = 1
  return reportData
}

/** The nonce of a query string, lower case, or null. @throws AppError `nonce_invalid` (400) */
function nonceIn(query: string): string | null {
  const nonce = new URLSearchParams(query).get('nonce')
  if (nonce === null) return null
  if (NONCE.test(nonce)) return nonce.toLowerCase()
  throw new AppError({
    code: 'nonce_invalid',
    message: 'The nonce is not 64 hex digits',
    hint: 'Send 32 random bytes as hex, or none for the quote that everybody gets',
    status: 400,
  })
}

const nonceField = (value: string, { index, siblings }: NoncePath): object => ({ value, index, siblings })

/** The deployed document, with the fields that are ours after it. */
function render(evidence: TeeEvidence, reportData: Uint8Array, ours: object): string {
  return JSON.stringify({
    quote: bytesToHex(evidence.quote),
    event_log: evidence.eventLog,
    report_data: Buffer.from(reportData).toString('base64'),
    tcb_info: evidence.tcbInfo,
    vm_config: evidence.vmConfig,
    ...ours,
    ...(evidence.collateral && { collateral: evidence.collateral }),
  })
}

const tooMany = (code: string, message: string): AppError =>
  new AppError({
    code,
    message,
    hint: 'One quote serves a client for an hour. Try again in a moment, or take the one without a nonce',
    retryable: true,
    status: 429,
  })
