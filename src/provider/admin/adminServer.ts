import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { AppError, toAppError } from '../../base/errors.ts'
import type { ProviderConfig } from '../config/config.ts'
import { perToken } from '../config/resolve.ts'
import { problemsOf } from '../config/validate.ts'
import type { BrokerControl, TokenPriceChanges } from '../control.ts'
import { removeAdminFile, writeAdminFile } from './adminFile.ts'

export interface AdminOptions {
  readonly control: BrokerControl
  readonly dataDir: string
  /** On the loopback interface; 0 for any free one. */
  readonly port: number
  /** Ends the broker as Ctrl-C does. */
  readonly onStop: () => void
}

export interface AdminServer {
  readonly url: string
  stop(): Promise<void>
}

const HOST = '127.0.0.1'

type Action = (req: IncomingMessage) => Promise<unknown>

/**
 * Metrics for whoever is on this machine, and levers for whoever can read the token file. Never on another
 * interface than loopback, and never for a page in a browser: only our own names in the Host header count.
 * @throws AppError `listen_failed`
 */
export async function startAdmin({ control, dataDir, port, onStop }: AdminOptions): Promise<AdminServer> {
  const token = randomBytes(32).toString('base64url')
  const actions: Readonly<Record<string, Action>> = {
    'GET /status': () => control.status(),
    'POST /settle': () => control.settle(),
    'GET /prices': async () => control.prices,
    'POST /prices': async (req) => control.changeTokenPrices(changesIn(await buffer(req))),
    'POST /stop': async () => {
      setImmediate(onStop)
      return { stopping: true, minimum: control.minimumFee }
    },
  }
  const server = createServer({ requestTimeout: 10_000 }, (req, res) => {
    answer(req, res).catch((error) => fail(res, toAppError(error)))
  })

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (!isOurs(req.headers.host)) throw refused(403)
    if (req.method === 'GET' && req.url === '/metrics') {
      const text = await control.metrics.text()
      return void res.writeHead(200, { 'content-type': control.metrics.contentType }).end(text)
    }
    const action = actions[`${req.method} ${req.url}`]
    if (!action) throw refused(404)
    if (!isToken(req.headers.authorization, token)) throw refused(401)
    sendJson(res, 200, await action(req))
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(listenFailed(port, cause)))
    server.listen(port, HOST, resolve)
  })
  server.unref()
  const url = `http://${HOST}:${(server.address() as AddressInfo).port}`
  writeAdminFile(dataDir, { url, token, pid: process.pid })
  return {
    url,
    async stop() {
      removeAdminFile(dataDir)
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const isOurs = (host = ''): boolean => /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host)

function isToken(authorization = '', token: string): boolean {
  const given = Buffer.from(authorization)
  const wanted = Buffer.from(`Bearer ${token}`)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** Those that change, in 0G per million tokens. @throws AppError `config_invalid`, `price_too_fine` */
function changesIn(body: Buffer): TokenPriceChanges {
  const { input, output } = JSON.parse(body.toString()) as Partial<Record<keyof TokenPriceChanges, string>>
  const prices = { ...(input !== undefined && { input }), ...(output !== undefined && { output }) }
  const problem = problemsOf({ prices } as ProviderConfig).at(0)
  if (problem) throw new AppError({ code: 'config_invalid', message: problem.message, status: 400 })
  return {
    ...(input !== undefined && { input: perToken(input) }),
    ...(output !== undefined && { output: perToken(output) }),
  }
}

function sendJson(res: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body, (_key, value) => (typeof value === 'bigint' ? value.toString() : value))
  res.writeHead(status, { 'content-type': 'application/json' }).end(text)
}

function fail(res: ServerResponse, error: AppError): void {
  if (res.headersSent) return void res.destroy()
  sendJson(res, error.status, { error: error.toObject() })
}

const refused = (status: number): AppError =>
  new AppError({ code: 'admin_refused', message: 'Refused', status })

const listenFailed = (port: number, cause: unknown): AppError =>
  new AppError({
    code: 'listen_failed',
    message: `Cannot listen on ${HOST}:${port} for metrics and control`,
    hint: 'Another broker may be running here. Choose another port, or 0 for any',
    next: '0g-compute provider serve --admin-port 0',
    cause,
  })
