import { createHash, randomBytes } from 'node:crypto'
import { pipeline, type Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { Agent, type Dispatcher, errors } from 'undici'
import { AppError } from '../base/errors.ts'
import type { HttpRequest, HttpResponse, Runtime } from './runtime.ts'

const CONNECT_TIMEOUT_MS = 10_000

/** The client's surroundings in Node: undici, which keeps connections, and OpenSSL's sha256. */
export function nodeRuntime(): Runtime {
  const agent = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS } })
  return {
    request: (request) => send(agent, request),
    sha256: () => {
      const hash = createHash('sha256')
      return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') }
    },
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    now: () => Date.now(),
    sleep: async (ms, signal) => void (await sleep(ms, undefined, signal && { signal })),
    close: () => agent.destroy(),
  }
}

async function send(dispatcher: Dispatcher, request: HttpRequest): Promise<HttpResponse> {
  try {
    const { statusCode, headers, body } = await dispatcher.request({
      ...target(request.url),
      method: request.method,
      headers: { 'accept-encoding': 'identity', ...request.headers },
      ...(request.body && { body: request.body }),
      ...(request.signal && { signal: request.signal }),
      headersTimeout: request.headersTimeoutMs,
      bodyTimeout: request.bodyTimeoutMs,
    })
    const header = (name: string): string | null => {
      const value = headers[name]
      return (Array.isArray(value) ? value[0] : value) ?? null
    }
    const decoded = decode(body, header('content-encoding'))
    return { status: statusCode, header, body: readable(decoded, request.url) }
  } catch (error) {
    throw toTransportError(error, request.url)
  }
}

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

async function* readable(body: AsyncIterable<Uint8Array>, url: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk
  } catch (error) {
    throw toTransportError(error, url)
  }
}

function target(url: string): { origin: string; path: string } {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: pathname + search }
}

/** undici's errors in our words. @see https://undici.nodejs.org/#/docs/api/Errors */
function toTransportError(error: unknown, url: string): unknown {
  if (!(error instanceof Error) || error.name === 'AbortError') return error
  const host = URL.canParse(url) ? new URL(url).host : 'an invalid URL'
  const slow = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError
  return new AppError({
    code: slow ? 'provider_slow' : 'provider_unreachable',
    message: slow ? `The provider at ${host} takes too long` : `The provider at ${host} cannot be reached`,
    hint: slow
      ? 'Try again, or another provider. You pay at most for what you received'
      : 'It may be down. Try another provider',
    next: '0g-compute provider list',
    retryable: true,
    cause: error,
  })
}
