import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

/** Server-sent events over a response, no faster than the reader takes them. */
export class SseStream {
  readonly #response: ServerResponse
  readonly #signal: AbortSignal

  constructor(response: ServerResponse, signal: AbortSignal) {
    this.#response = response
    this.#signal = signal
  }

  /** @throws the signal's reason when the client has left */
  async send(event: object): Promise<void> {
    if (!this.#response.headersSent) this.#begin()
    this.#signal.throwIfAborted()
    if (this.#response.write(`data: ${JSON.stringify(event)}\n\n`)) return
    await once(this.#response, 'drain', { signal: this.#signal })
  }

  end(): void {
    this.#response.end('data: [DONE]\n\n')
  }

  #begin(): void {
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    })
  }
}
