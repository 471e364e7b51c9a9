import type { Address } from '../base/hex.ts'
import { sha256Text } from '../protocol/canonical.ts'
import type { ReceiptJson } from '../protocol/receipt.ts'
import type { TextProof } from '../protocol/textProof.ts'
import { brokerError, malformedAnswer } from './brokerError.ts'
import type { Credential } from './credential.ts'
import { deadline } from './deadline.ts'
import { type DollarPrices, type PriceTier, readDollars, readTiers } from './priceTiers.ts'
import type { HttpResponse, Runtime } from './runtime.ts'
import type { OfferPrices } from './serviceTypes.ts'

/** Largest document that is read from a broker, bytes. */
const MAX_DOCUMENT = 5 * 1024 * 1024
const DOCUMENT_TIMEOUT_MS = 10_000

/** An entry of `GET /v1/models`, as far as it is read. */
export interface BrokerModel {
  readonly id: string
  readonly contextLength: number | null
  /** Null where the broker names no price. */
  readonly prices: OfferPrices | null
  /** sha256 of the weights, 64 hex digits. */
  readonly digest: string | null
  /** What it can be asked for: `chat`, `completion`, `embedding`; null where the broker does not say. */
  readonly kinds: readonly string[] | null
  /** Whether it takes tools, or images; null where the broker does not say. */
  readonly tools: boolean | null
  readonly vision: boolean | null
  /** Null where the price does not depend on the prompt's size, or is not given in dollars. */
  readonly tiers: readonly PriceTier[] | null
  readonly usd: DollarPrices | null
}

/** What a key has spent of its limit. */
export interface KeySpent {
  /** Neuron. */
  readonly amount: bigint
  /** When the limit is whole again, ms; null for never. */
  readonly renewsAt: number | null
}

/** The proof of an answer. */
export interface ProofDocument {
  readonly text: TextProof
  readonly receipt: ReceiptJson | null
}

/** A document as it came; null where there is none. */
export interface BrokerDocument {
  readonly text: string | null
  /** sha256 of the TLS key that the connection ended at, where it can be seen. */
  readonly tlsKey: string | null
}

type Headers = Readonly<Record<string, string>>

/** Reads the documents of one broker. Nothing of what it answers is believed here. */
export class BrokerApi {
  readonly #runtime: Runtime
  readonly #url: string

  /** @param url as registered on chain, with or without a slash at its end */
  constructor(runtime: Runtime, url: string) {
    this.#runtime = runtime
    this.#url = url.replace(/\/+$/, '')
  }

  /** The service's, without a slash at its end. */
  get url(): string {
    return this.#url
  }

  async models(timeoutMs = DOCUMENT_TIMEOUT_MS): Promise<BrokerModel[]> {
    const { data } = (await this.#json('/v1/models', null, timeoutMs)) as { data?: unknown }
    if (!Array.isArray(data)) throw malformedAnswer('/v1/models')
    return data.map(asModel).filter((model) => model !== null)
  }

  /**
   * The attestation document, or null where the broker has none; and whom the connection ended at.
   * @param nonce 64 hex digits
   */
  quote(nonce: string): Promise<BrokerDocument> {
    return this.#document(`/v1/quote?nonce=${nonce}`)
  }

  /** The report of the model's own server, or null where there is none. @see client-wire.md section 1.7 */
  async modelServerReport(model: string, nonce: string): Promise<string | null> {
    const query = new URLSearchParams({ model, nonce })
    return (await this.#document(`/v1/proxy/attestation/report?${query}`)).text
  }

  /** What the broker says that it can do, or null where it does not know the question. */
  async capabilities(): Promise<string | null> {
    return (await this.#document('/v1/capabilities')).text
  }

  async #document(path: string): Promise<BrokerDocument> {
    const response = await this.#get(path, null, DOCUMENT_TIMEOUT_MS)
    const text = await readText(response, path)
    const { status, tlsKey } = response
    if (status === 404) return { text: null, tlsKey }
    if (status !== 200) throw brokerError(status, text)
    return { text, tlsKey }
  }

  /** Neuron that the broker says is owed and not settled. */
  async unsettledFee(user: Address, credential: Credential): Promise<bigint> {
    const path = `/v1/user/${user}/unsettledfee`
    const { unsettledFee } = (await this.#own(path, credential)) as { unsettledFee?: unknown }
    if (typeof unsettledFee !== 'string' || !/^\d{1,30}$/.test(unsettledFee)) throw malformedAnswer(path)
    return BigInt(unsettledFee)
  }

  /** What the broker says that keys with a limit have spent, by their ids. */
  async keySpending(user: Address, credential: Credential): Promise<Map<string, KeySpent>> {
    const path = `/v1/user/${user}/keys`
    const { keys } = (await this.#own(path, credential)) as { keys?: unknown }
    if (!Array.isArray(keys)) throw malformedAnswer(path)
    return new Map(
      keys.flatMap((key: { id?: unknown; spent?: unknown; renewsAt?: unknown } | null) => {
        const spent = asNeuron(key?.spent)
        if (typeof key?.id !== 'string' || spent === null) return []
        const renewsAt = typeof key.renewsAt === 'string' ? Date.parse(key.renewsAt) : Number.NaN
        return [[key.id, { amount: spent, renewsAt: Number.isNaN(renewsAt) ? null : renewsAt }] as const]
      }),
    )
  }

  /** One page of the user's receipts with numbers above `after`; `next` is null on the last one. */
  async receipts(user: Address, after: number, credential: Credential) {
    const path = `/v1/user/${user}/receipts?after=${after}`
    const page = (await this.#own(path, credential)) as { receipts?: unknown; next?: unknown }
    if (!Array.isArray(page.receipts)) throw malformedAnswer(path)
    const next = Number.isSafeInteger(page.next) ? (page.next as number) : null
    return { receipts: page.receipts as unknown[], next }
  }

  /**
   * Shows the broker a receipt of its own: one that has forgotten it opens a new epoch before it serves again.
   * @returns whether it knows it
   */
  async showReceipt(user: Address, receipt: ReceiptJson, credential: Credential): Promise<boolean> {
    const path = `/v1/user/${user}/receipts`
    const text = JSON.stringify(receipt)
    const bodyHash = sha256Text(text).slice(2)
    const response = await this.#runtime.request({
      method: 'POST',
      url: this.#url + path,
      headers: {
        'content-type': 'application/json',
        ...credential.headersFor({ method: 'POST', path, bodyHash }),
      },
      body: new TextEncoder().encode(text),
      headersTimeoutMs: DOCUMENT_TIMEOUT_MS,
      bodyTimeoutMs: DOCUMENT_TIMEOUT_MS,
      signal: deadline(DOCUMENT_TIMEOUT_MS * 2, this.#url),
    })
    const answer = await readText(response, path)
    if (response.status !== 200) throw brokerError(response.status, answer)
    return (parseJson(answer) as { known?: unknown } | null)?.known === true
  }

  /** Signature and receipt of an answer. */
  async proof(id: string, credential: Credential): Promise<ProofDocument> {
    const path = `/v1/proxy/signature/${encodeURIComponent(id)}`
    const { receipt = null, ...text } = (await this.#own(path, credential)) as TextProof & {
      receipt?: ReceiptJson | null
    }
    return { text, receipt }
  }

  /** What only its user may read. */
  #own(path: string, credential: Credential) {
    return this.#json(path, credential.headersFor({ method: 'GET', path: path.split('?')[0]! }))
  }

  async #json(path: string, authorization: Headers | null, timeoutMs = DOCUMENT_TIMEOUT_MS) {
    const response = await this.#get(path, authorization, timeoutMs)
    const text = await readText(response, path)
    if (response.status !== 200) throw brokerError(response.status, text)
    const value = parseJson(text)
    if (typeof value !== 'object' || value === null) throw malformedAnswer(path)
    return value
  }

  /** @param authorization null for what anybody may read */
  #get(path: string, authorization: Headers | null, timeoutMs: number): Promise<HttpResponse> {
    return this.#runtime.request({
      method: 'GET',
      url: this.#url + path,
      headers: { accept: 'application/json', ...authorization },
      isPublic: authorization === null,
      headersTimeoutMs: timeoutMs,
      bodyTimeoutMs: timeoutMs,
      signal: deadline(timeoutMs * 2, this.#url),
    })
  }
}

/** A whole body as text, at most `MAX_DOCUMENT` bytes. */
export async function readText(response: HttpResponse, what: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of response.body) {
    size += chunk.length
    if (size > MAX_DOCUMENT) throw malformedAnswer(what)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function asModel(value: unknown): BrokerModel | null {
  const entry = value as {
    id?: unknown
    context_length?: unknown
    pricing?: Readonly<Record<string, unknown>>
    pricing_usd?: unknown
    model_digest?: unknown
    kinds?: unknown
    supported_parameters?: unknown
    architecture?: { input_modalities?: unknown }
  } | null
  if (typeof entry?.id !== 'string') return null
  return {
    id: entry.id,
    contextLength: Number.isSafeInteger(entry.context_length) ? (entry.context_length as number) : null,
    prices: pricesIn(entry.pricing ?? {}),
    digest: typeof entry.model_digest === 'string' ? entry.model_digest : null,
    kinds: asStrings(entry.kinds),
    tools: asStrings(entry.supported_parameters)?.includes('tools') ?? null,
    vision: asStrings(entry.architecture?.input_modalities)?.includes('image') ?? null,
    tiers: readTiers(entry.pricing?.tiered_pricing),
    usd: readDollars(entry.pricing_usd),
  }
}

function pricesIn(pricing: Readonly<Record<string, unknown>>): OfferPrices | null {
  const [input, output] = [asNeuron(pricing.prompt), asNeuron(pricing.completion)]
  if (input === null || output === null) return null
  const [image, second] = [asNeuron(pricing.image), asNeuron(pricing.second)]
  return { input, output, ...(image !== null && { image }), ...(second !== null && { second }) }
}

const asStrings = (value: unknown): readonly string[] | null =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null

const asNeuron = (value: unknown): bigint | null =>
  typeof value === 'string' && /^\d{1,30}$/.test(value) ? BigInt(value) : null

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
