import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import { AppError, EXIT, toAppError } from '../../base/errors.ts'
import { inTurn } from '../../base/inTurn.ts'
import { proxyDocument } from '../../protocol/openapi/proxyDocument.ts'
import type { Answer } from '../answer.ts'
import {
  assertMethod,
  type Buyer,
  errorReply,
  Gateway,
  type GatewayOptions,
  type GatewayReply,
  type GatewayRequest,
} from '../gateway/gateway.ts'
import { ANSWER_HEADERS, answerHeaders } from '../gateway/headers.ts'
import type { PurchaseHooks } from '../purchase/purchases.ts'
import { type Dialect, errorAt, TRANSLATED, translate } from './dialects.ts'
import { feeIn } from './feeIn.ts'
import { NativeMessages } from './nativeMessages.ts'
import { assertToken } from './proxyToken.ts'
import type { SpendBook, Spending } from './spendBook.ts'

export interface ProxyOptions extends GatewayOptions {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  readonly token: string
  readonly spending: SpendBook
  /** Each request when it is over. */
  readonly onRequest?: (line: ProxyLine) => void
}

/** What may be said of a request: nothing of its contents. */
export interface ProxyLine {
  readonly path: string
  readonly status: number
  readonly ms: number
  readonly answer: Answer | null
  readonly error: AppError | null
}

/** Largest request that is read, bytes: a context of images, and no surprise below it. */
const MAX_BODY_BYTES = 64 * 1024 * 1024

/** A local endpoint that speaks OpenAI's API, pays for each answer, and verifies it. */
export class ProxyServer {
  readonly #options: ProxyOptions
  readonly #buyer: Buyer
  readonly #server: Server
  readonly #messages: NativeMessages

  constructor(buyer: Buyer, options: ProxyOptions) {
    this.#buyer = buyer
    this.#options = options
    this.#messages = new NativeMessages(buyer, options)
    this.#server = createServer(inTurn((req, res) => void this.#handle(req, res)))
  }

  /** @returns the base URL for clients @throws AppError `port_in_use`, `listen_failed` */
  async listen(): Promise<string> {
    const { host, port } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenFailed(error, host, port)))
      this.#server.listen(port, host, resolve)
    })
    const address = this.#server.address() as AddressInfo
    return `http://${isIPv6(address.address) ? `[${address.address}]` : address.address}:${address.port}/v1`
  }

  /** Takes no new requests and waits for those under way. */
  async close(graceMs = 5000): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs)
    await closed
    clearTimeout(timer)
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const startedAt = performance.now()
    const path = (req.url ?? '').split('?')[0]!
    const seen: { answer: Answer | null; error: AppError | null } = { answer: null, error: null }
    res.on('error', () => res.destroy())
    try {
      seen.answer = await this.#serve(req, res, path)
    } catch (thrown) {
      seen.error = toAppError(thrown)
      if (!res.headersSent) send(res, errorAt(path, seen.error))
      else if (!res.writableEnded) res.destroy()
    }
    const { status, ms } = { status: res.statusCode, ms: Math.round(performance.now() - startedAt) }
    this.#options.onRequest?.({ path, status, ms, ...seen })
  }

  async #serve(req: IncomingMessage, res: ServerResponse, path: string): Promise<Answer | null> {
    const document = DOCUMENTS[path]
    if (document) {
      assertMethod(req.method ?? '', 'GET')
      send(res, { status: 200, headers: JSON_TYPE, body: JSON.stringify(document()) })
      return null
    }
    assertLocal(req)
    assertToken(tokenIn(req), this.#options.token)
    const { 'idempotency-key': idempotencyKey, 'content-type': contentType = '' } = req.headers
    const request = { method: req.method ?? '', path, contentType, body: await readBody(req) }
    const key = typeof idempotencyKey === 'string' ? { idempotencyKey } : {}
    const native = await this.#messages.dialectFor(request)
    try {
      return await this.#answer(res, native ?? translate(request), key)
    } catch (error) {
      if (!native || res.headersSent) throw error
      return await this.#answer(res, translate(request), key)
    }
  }

  /** Buys, and passes on as it comes. A failure is said to the client, unless it can be asked for in other words. */
  async #answer(
    res: ServerResponse,
    dialect: Dialect,
    key: Pick<GatewayRequest, 'idempotencyKey'>,
  ): Promise<Answer | null> {
    const left = new AbortController()
    if (res.destroyed) left.abort()
    res.once('close', () => left.abort())
    const tab = new Tab(this.#options.spending)
    let answer: Answer | null = null
    const gateway = new Gateway(this.#buyer, {
      ...this.#options,
      alsoServed: TRANSLATED,
      onAnswer: (finished) => {
        answer = finished
        this.#options.onAnswer?.(finished)
      },
    })
    try {
      const request = { ...dialect.request, ...key, signal: left.signal }
      const reply = await gateway.serve(request, this.#hooks(tab))
      await relay(res, dialect.reply(reply), dialect.isOpenAi)
      return answer
    } catch (error) {
      tab.settle(feeIn(error))
      if (!res.headersSent && !dialect.isLacking?.(error)) send(res, dialect.error(errorReply(error)))
      throw error
    } finally {
      const finished = answer as Answer | null
      tab.settle(finished ? finished.fee : null)
    }
  }

  #hooks(tab: Tab): PurchaseHooks {
    const { onOffer, onAttemptFailed } = this.#options.hooks ?? {}
    return {
      onOffer: async (offer, worst) => {
        tab.begin(worst)
        await onOffer?.(offer, worst)
      },
      onAttemptFailed: (offer, error, wasSent) => {
        tab.settle(wasSent ? feeIn(error) : 0n)
        onAttemptFailed?.(offer, error, wasSent)
      },
    }
  }
}

/** What one request may still cost: one provider after another. */
class Tab {
  readonly #book: SpendBook
  #open: Spending | null = null

  constructor(book: SpendBook) {
    this.#book = book
  }

  begin(worst: bigint): void {
    this.#open = this.#book.begin(worst)
  }

  settle(fee: bigint | null): void {
    this.#open?.settle(fee)
    this.#open = null
  }
}

const JSON_TYPE = { 'content-type': 'application/json' }

/** What anybody may read. */
const DOCUMENTS: Readonly<Record<string, () => object>> = {
  '/healthz': () => ({ status: 'ok' }),
  '/openapi.json': proxyDocument,
}

/** A page in a browser may send requests here too: it names itself, and no page is a client of this proxy. */
function assertLocal(req: IncomingMessage): void {
  const host = (req.headers.host ?? '').replace(/:\d+$/, '')
  const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host) || host === req.socket.localAddress
  if (isLocal && req.headers.origin === undefined) return
  throw new AppError({
    code: 'proxy_origin_refused',
    message: 'This proxy does not serve web pages',
    hint: 'In a page use the SDK with a wallet: new OpenAI(await compute.openai())',
    status: 403,
  })
}

/** Where OpenAI's clients put the key, and where Anthropic's do. */
const tokenIn = ({ headers }: IncomingMessage): string | undefined => {
  const key = headers['x-api-key']
  return (
    /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? (typeof key === 'string' ? key : undefined)
  )
}

async function readBody(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw bodyTooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function send(res: ServerResponse, { status, headers, body }: GatewayReply): void {
  const bytes = body as string | Uint8Array
  res.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(bytes) }).end(bytes)
}

async function relay(res: ServerResponse, reply: GatewayReply, isOpenAi: boolean): Promise<void> {
  const { status, headers, body } = reply
  if (typeof body === 'string' || body instanceof Uint8Array) return send(res, reply)
  res.writeHead(status, { ...headers, 'cache-control': 'no-cache', trailer: ANSWER_HEADERS.join(', ') })
  try {
    for (let step = await body.next(); ; step = await body.next()) {
      if (step.done) return endStream(res, step.value)
      // What was read ahead when the client left goes nowhere: the next step says so.
      if (!res.destroyed && !res.write(step.value)) await drained(res)
    }
  } catch (error) {
    // The status is out already: an event says it, and the stream has no regular end.
    const { body: document } = errorReply(error)
    if (!res.destroyed) res.end(isOpenAi ? `data: ${document}\n\n` : `event: error\ndata: ${document}\n\n`)
    throw error
  } finally {
    await body.return(undefined as never)
  }
}

/** The verdict of a stream: a comment for those who read the stream, and trailers for those who read those. */
function endStream(res: ServerResponse, answer: Answer): void {
  const headers = answerHeaders(answer)
  const fields = Object.entries(headers).map(([name, value]) => `${name}=${value}`)
  res.addTrailers(headers)
  res.end(`: ${fields.join(' ')}\n\n`)
}

const drained = (res: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const go = () => {
      res.off('drain', go)
      res.off('close', go)
      resolve()
    }
    res.on('drain', go)
    res.on('close', go)
  })

const bodyTooLarge = (): AppError =>
  new AppError({
    code: 'request_too_large',
    message: `The request is larger than ${MAX_BODY_BYTES / 1024 / 1024} MiB`,
    hint: 'Nothing was sent',
    status: 413,
    exitCode: EXIT.malformed,
  })

function listenFailed(error: NodeJS.ErrnoException, host: string, port: number): AppError {
  const inUse = error.code === 'EADDRINUSE'
  return new AppError({
    code: inUse ? 'port_in_use' : 'listen_failed',
    message: inUse ? `Port ${port} on ${host} is in use` : `Cannot listen on ${host}:${port}`,
    hint: inUse ? 'Another proxy may be running here. Choose another port' : 'Check the address',
    next: '0g-compute proxy --port 0',
    details: { host, port },
    cause: error,
  })
}
