import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { AppError } from '../base/errors.ts'
import { hostOf, tooSlow } from './brokerError.ts'
import type { HttpRequest, HttpResponse, Runtime } from './runtime.ts'
import { ExpectedTlsKeys, onceSecure, otherTlsKey, tlsKeyOf } from './tlsKey.ts'

const CONNECT_TIMEOUT_MS = 10_000

/** The client's surroundings in Node: its own HTTP, which loads fast and keeps connections, and OpenSSL's sha256. */
export function nodeRuntime(): Runtime {
  const options = { keepAlive: true }
  const agents: Agents = {
    'http:': new http.Agent(options),
    // A connection that resumes an earlier one does not show its key again.
    'https:': new https.Agent({ ...options, maxCachedSessions: 0 }),
  }
  const keys = new ExpectedTlsKeys()
  return {
    request: (request) => send(agents, keys, request),
    expectTlsKey: (owner, url, key) => keys.set(owner, url, key),
    sha256: () => {
      const hash = createHash('sha256')
      return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') }
    },
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    now: () => Date.now(),
    sleep: async (ms, signal) => void (await sleep(ms, undefined, signal && { signal })),
    close: async () => {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

type Agents = Readonly<Record<'http:' | 'https:', http.Agent>>

async function send(agents: Agents, keys: ExpectedTlsKeys, request: HttpRequest): Promise<HttpResponse> {
  try {
    const expected = request.isPublic ? [] : keys.at(request.url)
    const response = await answerTo(agents, request, expected)
    const header = (name: string): string | null => {
      const value = response.headers[name]
      return (Array.isArray(value) ? value[0] : value) ?? null
    }
    const decoded = decode(response, header('content-encoding'))
    const body = readable(decoded, response, request)
    return { status: response.statusCode!, header, body, tlsKey: tlsKeyOf(response.socket) }
  } catch (error) {
    throw toTransportError(error, request)
  }
}

/** Sends the request; the answer when its headers have come. Follows nobody elsewhere. @param keys all expected of TLS */
function answerTo(
  agents: Agents,
  request: HttpRequest,
  keys: readonly string[],
): Promise<http.IncomingMessage> {
  const url = new URL(request.url)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError('not an HTTP URL')
  const { method, body, stream, signal, headersTimeoutMs } = request
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const outgoing = (url.protocol === 'https:' ? https : http).request(url, {
      method,
      agent: agents[url.protocol as keyof Agents],
      headers: { 'accept-encoding': 'identity', ...request.headers },
    })
    // Not Node's own option: with it a connection that is free again may fail with nobody to tell.
    const abort = () => void outgoing.destroy()
    signal?.addEventListener('abort', abort)
    const tooSlow = setTimeout(() => outgoing.destroy(new TooSlow()), headersTimeoutMs)
    outgoing.once('close', () => {
      signal?.removeEventListener('abort', abort)
      clearTimeout(tooSlow)
      // An answer in another protocol ends it with neither an answer nor an error.
      reject(new Error('closed without an answer'))
    })
    outgoing.once('socket', limitConnecting)
    outgoing.once('response', (response) => {
      clearTimeout(tooSlow)
      // Whoever reads it is told; until somebody does, nobody has to be.
      response.on('error', () => {})
      resolve(response)
    })
    // After the answer has begun, its reader is told.
    outgoing.on('error', (error) => {
      clearTimeout(tooSlow)
      reject(error)
    })
    const sendBody = () => {
      if (stream) pipeline(Readable.from(stream, { objectMode: false }), outgoing, () => {})
      else outgoing.end(body)
    }
    // Headers leave with the body: until then the other end has seen nothing.
    if (keys.length === 0 || url.protocol === 'http:') sendBody()
    else
      onceSecure(outgoing, (found) => {
        if (keys.every((key) => key === found)) sendBody()
        else outgoing.destroy(otherTlsKey(url.host))
      })
  })
}

function limitConnecting(socket: Socket): void {
  if (!socket.connecting) return
  const timer = setTimeout(() => socket.destroy(new Error('no connection in time')), CONNECT_TIMEOUT_MS)
  socket.once('connect', () => clearTimeout(timer))
  socket.once('close', () => clearTimeout(timer))
}

class TooSlow extends Error {}

/** Signed hashes are over decoded bytes; `identity` is asked for, but a proxy on the way may still encode. */
function decode(body: Readable, encoding: string | null): AsyncIterable<Uint8Array> {
  const decoder = encoding === null ? undefined : DECODERS[encoding.toLowerCase()]
  if (!decoder) return body
  return pipeline(body, decoder(), () => {
    // A failure reaches whoever reads the decoded stream.
  })
}

const DECODERS: Readonly<Record<string, () => NodeJS.ReadWriteStream & AsyncIterable<Uint8Array>>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

/** The pieces, each of which has to come in time. */
async function* readable(
  body: AsyncIterable<Uint8Array>,
  response: http.IncomingMessage,
  request: HttpRequest,
): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const tooSlow = setTimeout(() => response.destroy(new TooSlow()), request.bodyTimeoutMs)
      const { done, value } = await chunks.next().finally(() => clearTimeout(tooSlow))
      if (done) return
      yield value
    }
  } catch (error) {
    throw toTransportError(error, request)
  } finally {
    await chunks.return?.()
  }
}

/** Failures in our words. */
function toTransportError(error: unknown, { url, signal }: HttpRequest): unknown {
  if (signal?.aborted) return signal.reason
  if (!(error instanceof Error) || error instanceof AppError) return error
  if (error instanceof TooSlow) return tooSlow(url, error)
  return new AppError({
    code: 'provider_unreachable',
    message: `The provider at ${hostOf(url)} cannot be reached`,
    hint: 'It may be down. Try another provider',
    next: '0g-compute provider list',
    retryable: true,
    cause: error,
  })
}
