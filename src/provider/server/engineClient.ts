import { type Dispatcher, Pool } from 'undici'
import { AppError } from '../../base/errors.ts'
import type { Engine } from '../engine/engine.ts'
import type { InferenceRequest } from './inferenceRequest.ts'

/** Until the engine's first byte, and between bytes, ms. */
const ENGINE_SILENCE_MS = 15 * 60 * 1000

export type EngineResponse = Dispatcher.ResponseData

/** Kept-alive connections to the engine. */
export class EngineClient {
  readonly #engine: Engine
  #pool: { readonly origin: string; readonly pool: Pool } | undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * @param id becomes the answer's `id` in engines that honour `X-Request-Id` (ours, vLLM)
   * @throws AppError `engine_restarting` (503), `engine_unreachable` (502)
   */
  async post(request: InferenceRequest, id: string, signal: AbortSignal): Promise<EngineResponse> {
    if (this.#engine.state !== 'ready') throw restarting()
    const base = new URL(this.#engine.baseUrl)
    try {
      return await this.#poolFor(base.origin).request({
        method: 'POST',
        path: `${base.pathname.replace(/\/$/, '')}/${request.kind}`,
        headers: {
          ...this.#engine.headers,
          'content-type': 'application/json',
          'accept-encoding': 'identity',
          'x-request-id': id,
        },
        body: request.forward,
        signal,
      })
    } catch (error) {
      if (signal.aborted) throw error
      throw unreachable(error)
    }
  }

  async close(): Promise<void> {
    await this.#pool?.pool.destroy()
  }

  /** An engine that was restarted may have another address. */
  #poolFor(origin: string): Pool {
    if (this.#pool?.origin !== origin) {
      void this.#pool?.pool.close()
      const options = { connections: 1024, headersTimeout: ENGINE_SILENCE_MS, bodyTimeout: ENGINE_SILENCE_MS }
      this.#pool = { origin, pool: new Pool(origin, options) }
    }
    return this.#pool.pool
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
