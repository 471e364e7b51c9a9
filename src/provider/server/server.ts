import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, toAppError } from '../../base/errors.ts'
import { inTurn } from '../../base/inTurn.ts'
import type { Logger } from '../../base/log.ts'
import { brokerDocument } from '../../protocol/openapi/brokerDocument.ts'
import { isFineTuning } from '../finetune/api/isFineTuning.ts'
import type { FineTuning } from '../finetune/fineTuning.ts'
import { clientAddress } from './clientAddress.ts'
import { allowOrigin } from './cors.ts'
import { encryptionKeyDocument } from './documents.ts'
import type { ErrorStyle } from './errorBody.ts'
import { type InferenceOptions, serveInference } from './inference.ts'
import { listenFailed } from './listen.ts'
import { serveKeys, serveReceipts, serveSignature, serveUnsettledFee } from './prove.ts'
import { serveQuote } from './quote.ts'
import { aborted } from './readBody.ts'
import { sendError, sendJson, sendPreflight } from './respond.ts'
import { type Route, routeOf } from './route.ts'
import { type ShownOptions, serveShownReceipt } from './shownReceipt.ts'
import type { TlsIdentity } from './tls.ts'

export interface ServerOptions extends InferenceOptions, ShownOptions {
  readonly models: () => object
  readonly capabilities: object
  /** Why this broker should get no requests now; empty when it should. */
  readonly unready: () => readonly string[]
  readonly errorStyle: ErrorStyle
  /** Whose pages may read answers; default: all. */
  readonly origins?: readonly string[] | undefined
  /** Ends TLS here; without it somebody else has to, and can read along. */
  readonly tls?: TlsIdentity | undefined
  /** Answers below `/finetune`, where this broker fine-tunes. */
  readonly fineTuning?: FineTuning | null
  readonly log: Logger
}

/** Between looks for connections that are too slow, ms. */
const CONNECTIONS_CHECK_MS = 5000
/** For the charges of answers that lost their connections, ms. */
const CHARGE_MS = 10_000

/** The broker's HTTP server. */
export class BrokerServer {
  readonly #options: ServerOptions
  readonly #server: Server
  /** Those that run; they may outlive the connections that they are for. */
  readonly #answers = new Set<Promise<void>>()
  #draining = false

  constructor(options: ServerOptions) {
    this.#options = options
    const { headersTimeoutMs, requestTimeoutMs, connections } = options.limiter.limits
    const times = {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
      keepAliveTimeout: 60_000,
    }
    const handle = inTurn((req, res) => void this.#handle(req, res))
    this.#server = options.tls
      ? createTlsServer({ ...times, ...options.tls }, handle)
      : createServer(times, handle)
    if (connections) this.#server.maxConnections = connections
  }

  /** @throws AppError `port_in_use`, `listen_failed` */
  async listen(host: string, port: number): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenFailed(error, host, port)))
      this.#server.listen(port, host, resolve)
    })
    return this.#server.address() as AddressInfo
  }

  /**
   * Refuses new requests and waits for those in flight; what still runs after `graceMs` is cut off, and charged as far
   * as it came.
   */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs)
    await closed
    clearTimeout(timer)
    this.#options.once.giveUp()
    await Promise.race([Promise.allSettled(this.#answers), sleep(CHARGE_MS, undefined, { ref: false })])
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    res.on('error', () => res.destroy())
    allowOrigin(req, res, this.#options.origins)
    const startedAt = performance.now()
    let path = 'unknown'
    res.once('close', () => {
      this.#options.telemetry.request(path, res.statusCode, performance.now() - startedAt)
      // Kept alive, it would hold up the end of the server until the grace is over.
      if (this.#draining) req.socket.end()
    })
    try {
      const { fineTuning } = this.#options
      if (fineTuning && isFineTuning(req.url ?? '')) {
        path = 'finetune'
        return await fineTuning.serve(req, res, this.#options.gate)
      }
      const route = routeOf(req.method ?? '', req.url ?? '')
      path = route.name === 'inference' ? route.endpoint : route.name
      if (this.#draining && route.name !== 'health' && route.name !== 'ready') throw draining()
      await this.#dispatch(req, res, route)
    } catch (thrown) {
      this.#fail(res, thrown === req.errored ? aborted(thrown) : toAppError(thrown))
    }
  }

  async #dispatch(req: IncomingMessage, res: ServerResponse, route: Route): Promise<void> {
    const options = this.#options
    switch (route.name) {
      case 'inference':
        return this.#noted(serveInference(req, res, route, options))
      case 'signature':
        return serveSignature(req, res, route, options)
      case 'receipts':
        return serveReceipts(req, res, route, options)
      case 'showReceipt':
        return serveShownReceipt(req, res, route, options)
      case 'keys':
        return serveKeys(req, res, route, options)
      case 'unsettledFee':
        return serveUnsettledFee(req, res, route, options)
      case 'quote':
        return serveQuote(req, res, options.quotes, clientAddress(req, options.limiter.limits.trustProxy))
      case 'models':
        return sendJson(res, 200, options.models())
      case 'capabilities':
        return sendJson(res, 200, options.capabilities)
      case 'encryptionKey':
        return sendJson(res, 200, encryptionKeyDocument(options.tee))
      case 'openApi':
        return sendJson(res, 200, brokerDocument(Boolean(options.fineTuning)))
      case 'health':
        return sendJson(res, 200, { status: 'ok', engine: options.engine.state })
      case 'ready':
        return this.#sendReadiness(res)
      case 'preflight':
        return sendPreflight(res)
    }
  }

  #noted(answer: Promise<void>): Promise<void> {
    const noted = answer.finally(() => this.#answers.delete(noted))
    this.#answers.add(noted)
    return noted
  }

  #sendReadiness(res: ServerResponse): void {
    const reasons = this.#draining ? ['draining'] : this.#options.unready()
    sendJson(res, reasons.length ? 503 : 200, { ready: reasons.length === 0, reasons })
  }

  #fail(res: ServerResponse, error: AppError): void {
    const { log, telemetry, errorStyle } = this.#options
    telemetry.refused(error.code, error.status)
    if (error.status >= 500) log.warn('request_failed', { code: error.code })
    if (error.code === 'internal') log.error('unexpected', { error: nameOf(error.cause) })
    if (res.headersSent || res.destroyed) return void res.destroy()
    sendError(res, error.code === 'internal' ? internal() : error, errorStyle)
  }
}

/** A foreign error's message may quote contents; its class may not. */
const nameOf = (cause: unknown): string => (cause instanceof Error ? cause.name : typeof cause)

const internal = (): AppError =>
  new AppError({ code: 'internal', message: 'The broker failed', retryable: true, status: 500 })

const draining = (): AppError =>
  new AppError({
    code: 'draining',
    message: 'This provider is shutting down',
    hint: 'Try again in a minute, or another provider',
    next: '0g-compute provider list',
    retryable: true,
    status: 503,
  })
