import { Pool } from 'undici'
import { AppError } from '../../base/errors.ts'
import type { Engine, EngineLease } from '../engine/engine.ts'
import { EngineAnswer, type EngineResponse } from './engineAnswer.ts'
import type { InferenceRequest } from './inferenceRequest.ts'
import { leftEarly } from './sink.ts'

/** Until the engine's first byte, and between bytes, ms. */
const ENGINE_SILENCE_MS = 15 * 60 * 1000

/** Failures before a connection was there: the engine has not seen the request, another one may have it. */
const NOT_SENT = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

/** Kept-alive connections to the engine, or to each of several. */
export class EngineClient {
  readonly #engine: Engine
  readonly #pools = new Map<Engine, { readonly origin: string; readonly pool: Pool }>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * Sends a request to an engine that is ready; to the next one when that cannot be reached.
   * @param id becomes the answer's `id` in engines that honour `X-Request-Id` (ours, vLLM)
   * @throws AppError `engine_restarting` (503), `engine_unreachable` (502), `client_left`
   */
  async post(request: InferenceRequest, id: string, signal: AbortSignal): Promise<EngineResponse> {
    const tried = new Set<Engine>()
    let failure: unknown
    for (;;) {
      const lease = this.#lease(request.model.id, tried)
      if (!lease) throw failure === undefined ? restarting() : unreachable(failure)
      try {
        return await this.#send(lease, request, id, signal)
      } catch (error) {
        if (signal.aborted) throw leftEarly()
        if (!NOT_SENT.has((error as { code?: string }).code ?? '')) throw unreachable(error)
        tried.add(lease.engine)
        failure = error
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(({ pool }) => pool.destroy()))
  }

  #lease(model: string, tried: ReadonlySet<Engine>): EngineLease | undefined {
    const engine = this.#engine
    if (engine.lease) return engine.lease(model, tried)
    const isReady = engine.state === 'ready' && !tried.has(engine)
    return isReady ? { engine, release: () => undefined } : undefined
  }

  #send({ engine, release }: EngineLease, request: InferenceRequest, id: string, signal: AbortSignal) {
    const base = new URL(engine.baseUrl)
    const answer = new EngineAnswer(signal, release)
    const headers = {
      ...engine.headers,
      'content-type': request.contentType,
      'accept-encoding': 'identity',
      'x-request-id': id,
    }
    const path = `${base.pathname.replace(/\/$/, '')}/${request.kind}`
    this.#poolFor(engine, base.origin).dispatch(
      { method: 'POST', path, headers, body: request.forward },
      answer,
    )
    return answer.response
  }

  /** An engine that was restarted may have another address. */
  #poolFor(engine: Engine, origin: string): Pool {
    const known = this.#pools.get(engine)
    if (known?.origin === origin) return known.pool
    void known?.pool.close()
    const options = { connections: 1024, headersTimeout: ENGINE_SILENCE_MS, bodyTimeout: ENGINE_SILENCE_MS }
    const pool = new Pool(origin, options)
    this.#pools.set(engine, { origin, pool })
    return pool
  }
}

const restarting = (): AppError =>
  new AppError({
    code: 'engine_restarting',
    message: 'The engine of this provider is starting again',
    hint: 'Try again in a few seconds. Nothing was charged',
    retryable: true,
    status: 503,
  })

const unreachable = (cause: unknown): AppError =>
  new AppError({
    code: 'engine_unreachable',
    message: 'The engine of this provider does not answer',
    hint: 'Try again, or another provider. Nothing was charged',
    next: '0g-compute provider list',
    retryable: true,
    status: 502,
    cause,
  })
