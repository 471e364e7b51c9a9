import { randomBytes, sha256 } from 'ethers/crypto'
import { concat, getBytes, hexlify } from 'ethers/utils'
import { AppError } from '../base/errors.ts'
import { hostOf, tooSlow } from './brokerError.ts'
import type { Hasher, HttpRequest, HttpResponse, Runtime } from './runtime.ts'

/** The client's surroundings in a page or a worker: `fetch`, which decodes what comes encoded. */
export function browserRuntime(): Runtime {
  return {
    request: send,
    // A page is not shown whom its connections end at.
    expectTlsKey: () => {},
    sha256: collectingHasher,
    randomHex: (bytes) => hexlify(randomBytes(bytes)).slice(2),
    now: () => Date.now(),
    sleep,
    close: async () => {},
  }
}

async function send(request: HttpRequest): Promise<HttpResponse> {
  const waiting = new Patience(request.signal)
  const body = await bodyOf(request)
  try {
    const response = await waiting.for(
      request.headersTimeoutMs,
      fetch(request.url, {
        method: request.method,
        ...(request.headers && { headers: { ...request.headers } }),
        ...(body && { body }),
        signal: waiting.signal,
        // Nothing of the page's own goes along, and nothing of an answer stays.
        credentials: 'omit',
        cache: 'no-store',
        // A token goes to its provider only.
        redirect: 'error',
        referrerPolicy: 'no-referrer',
      }),
    )
    return {
      status: response.status,
      header: (name) => response.headers.get(name),
      body: readable(response, request, waiting),
      tlsKey: null,
    }
  } catch (error) {
    throw waiting.explain(error, request.url)
  }
}

async function* readable(
  response: Response,
  { url, bodyTimeoutMs }: HttpRequest,
  waiting: Patience,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (!reader) return
  try {
    for (;;) {
      const { done, value } = await waiting.for(bodyTimeoutMs, reader.read())
      if (done) return
      yield value
    }
  } catch (error) {
    throw waiting.explain(error, url)
  } finally {
    // Whoever stops reading stops the answer.
    waiting.giveUp()
  }
}

/** Ends a request that takes too long, and knows whether that or something else ended it. */
class Patience {
  readonly #controller = new AbortController()
  readonly #asked: AbortSignal | undefined
  #isOver = false

  constructor(asked: AbortSignal | undefined) {
    this.#asked = asked
  }

  get signal(): AbortSignal {
    return this.#asked ? AbortSignal.any([this.#asked, this.#controller.signal]) : this.#controller.signal
  }

  async for<T>(ms: number, promise: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#isOver = true
      this.#controller.abort()
    }, ms)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
    }
  }

  giveUp(): void {
    this.#controller.abort()
  }

  /** A page is not told why a request failed: a host that is down and one that refuses pages look the same. */
  explain(error: unknown, url: string): unknown {
    if (error instanceof AppError || this.#asked?.aborted) return error
    if (this.#isOver) return tooSlow(url, error)
    return new AppError({
      code: 'provider_unreachable',
      message: `The provider at ${hostOf(url)} cannot be reached from this page`,
      hint: 'It may be down, or refuse pages of other origins. Try another provider',
      retryable: true,
      cause: error,
    })
  }
}

/** Pages cannot hash bytes as they pass: they are kept until the digest is asked for. */
function collectingHasher(): Hasher {
  const parts: Uint8Array[] = []
  return {
    update: (bytes) => void parts.push(new Uint8Array(bytes)),
    digest: () => sha256(concat(parts)).slice(2),
  }
}

/** Pages cannot send a body in pieces to every server: it is sent as a whole. */
async function bodyOf({ body, stream }: HttpRequest): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (body) return new Uint8Array(body)
  if (!stream) return undefined
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  return new Uint8Array(getBytes(concat(parts)))
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}
