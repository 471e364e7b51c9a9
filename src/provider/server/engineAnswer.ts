import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'

/** What may wait for its reader before the engine is held back, bytes. */
const HIGH_WATER_BYTES = 64 * 1024

/** An engine's answer: its head, and its body in the pieces in which it comes. */
export interface EngineResponse {
  readonly statusCode: number
  readonly headers: IncomingHttpHeaders
  /** Throws where the answer broke off, after what came before that. Whoever stops early ends the engine's work. */
  readonly body: AsyncIterable<Buffer>
}

/** Takes an answer from undici without the streams in between, which cost more than all else that is done with it. */
export class EngineAnswer implements Dispatcher.DispatchHandler {
  /** Rejects where there is no answer. */
  readonly response: Promise<EngineResponse>
  readonly #settle: PromiseWithResolvers<EngineResponse>
  readonly #signal: AbortSignal
  readonly #onOver: () => void
  readonly #chunks: Buffer[] = []
  #waiting = 0
  #isOver = false
  #failure: Error | null = null
  #controller: Dispatcher.DispatchController | null = null
  #wake: () => void = () => {}

  /**
   * @param signal ends it
   * @param onOver called once, when the engine has nothing more to do with it
   */
  constructor(signal: AbortSignal, onOver: () => void) {
    this.#settle = Promise.withResolvers()
    this.response = this.#settle.promise
    this.#signal = signal
    this.#onOver = onOver
    signal.addEventListener('abort', () => this.#abort(), { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#signal.aborted) this.#abort()
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (statusCode >= 200) this.#settle.resolve({ statusCode, headers, body: this.#body() })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#waiting += chunk.length
    if (this.#waiting > HIGH_WATER_BYTES) controller.pause()
    this.#wake()
  }

  onResponseEnd(): void {
    this.#end(null)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(error)
  }

  async *#body(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift()
        if (chunk) {
          this.#waiting -= chunk.length
          yield chunk
          if (this.#waiting === 0 && this.#controller?.paused) this.#controller.resume()
        } else if (this.#failure) throw this.#failure
        else if (this.#isOver) return
        else await this.#changed()
      }
    } finally {
      this.#abort()
    }
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #abort(): void {
    if (!this.#isOver) this.#controller?.abort(new Error('nobody reads on'))
  }

  #end(failure: Error | null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#failure = failure
    if (failure) this.#settle.reject(failure)
    this.#wake()
    this.#onOver()
  }
}
