import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { AppError } from '../../base/errors.ts'

/** Where an answer goes: one client, or all that ask for the same one. */
export interface Sink {
  /** Aborted when nobody is left to read. */
  readonly signal: AbortSignal
  writeHead(status: number, headers: OutgoingHttpHeaders): void
  /** Resolves when there is room for more. @throws Error when nobody is left to read */
  write(bytes: Buffer): Promise<void>
  end(bytes: Buffer): void
}

export const clientLeft = (): Error => new Error('the client left')

/** Before the first byte of its answer: nothing is charged. */
export const leftEarly = (): AppError =>
  new AppError({ code: 'client_left', message: 'The client left before its answer began', status: 400 })

/** One client. */
export class DirectSink implements Sink {
  readonly #res: ServerResponse
  readonly #writeTimeoutMs: number
  readonly #controller = new AbortController()

  /** @param writeTimeoutMs how long the client may take nothing of what waits for it */
  constructor(res: ServerResponse, writeTimeoutMs: number) {
    this.#res = res
    this.#writeTimeoutMs = writeTimeoutMs
    res.once('close', () => {
      if (!res.writableFinished) this.#controller.abort()
    })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  writeHead(status: number, headers: OutgoingHttpHeaders): void {
    this.#res.writeHead(status, headers)
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.#res.destroyed) throw clientLeft()
    if (!this.#res.write(bytes)) await drained(this.#res, this.#writeTimeoutMs)
  }

  end(bytes: Buffer): void {
    endWithin(this.#res, bytes, this.#writeTimeoutMs)
  }
}

/** Ends a response; a client that then takes nothing for so long is cut off. */
export function endWithin(res: ServerResponse, bytes: Buffer, timeoutMs: number): void {
  res.end(bytes)
  if (!res.writableFinished) res.socket?.setTimeout(timeoutMs)
}

/** Until the socket takes more; rejects when the client leaves, or takes nothing for so long. */
export function drained(res: ServerResponse, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const { socket } = res
    // Nobody listens to its timeout, so the server closes the connection.
    socket?.setTimeout(timeoutMs)
    const settle = (act: () => void) => () => {
      res.off('drain', onDrain).off('close', onClose)
      socket?.setTimeout(0)
      act()
    }
    const onDrain = settle(resolve)
    const onClose = settle(() => reject(clientLeft()))
    res.on('drain', onDrain).on('close', onClose)
  })
}
