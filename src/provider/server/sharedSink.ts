import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { AppError } from '../../base/errors.ts'
import { clientLeft, drained, endWithin, type Sink } from './sink.ts'

/** How long an answer waits for a client that lost its connection to come back, ms. */
const GRACE_MS = 10_000
/** Beyond this nobody can join any more, and what all readers have is forgotten, bytes. */
const REPLAY_LIMIT = 16 * 1024 * 1024

interface Head {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
}

/**
 * An answer that several requests with the same idempotency key read: each gets it from its first byte. It goes
 * on at the speed of the fastest reader; when none is left it waits a while for one that comes back.
 */
export class SharedSink implements Sink {
  readonly #writeTimeoutMs: number
  readonly #graceMs: number
  readonly #controller = new AbortController()
  readonly #readers = new Set<Reader>()
  /** What was written, from the first byte, in pieces. */
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #head: Head | null = null
  #ended = false
  #failure: AppError | null = null
  #wake: (() => void)[] = []
  #alone: NodeJS.Timeout | null = null

  /** @param graceMs how long an answer that nobody reads waits for somebody to come back */
  constructor(writeTimeoutMs: number, graceMs = GRACE_MS) {
    this.#writeTimeoutMs = writeTimeoutMs
    this.#graceMs = graceMs
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether a further request can still get all of it. */
  get canJoin(): boolean {
    return this.#bytes <= REPLAY_LIMIT && !this.#controller.signal.aborted
  }

  /** Sends the answer to one more client; resolves when that is over. @throws AppError the answer's own failure */
  async join(res: ServerResponse): Promise<void> {
    const reader: Reader = { position: 0 }
    this.#readers.add(reader)
    if (this.#alone) clearTimeout(this.#alone)
    const left = new Promise<void>((resolve) => res.once('close', resolve))
    const onClose = () => this.#notify()
    res.once('close', onClose)
    try {
      await this.#send(res, reader, left)
    } catch (error) {
      if (error instanceof AppError) throw error
    } finally {
      res.off('close', onClose)
      this.#readers.delete(reader)
      if (this.#readers.size === 0 && !this.#ended && !this.#failure) this.#waitForSomebody()
      this.#notify()
    }
  }

  writeHead(status: number, headers: OutgoingHttpHeaders): void {
    this.#head = { status, headers }
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.signal.aborted) throw clientLeft()
    this.#push(bytes)
    while (!this.#hasRoom()) {
      await this.#changed()
      if (this.signal.aborted) throw clientLeft()
    }
  }

  end(bytes: Buffer): void {
    this.#push(bytes)
    this.#ended = true
    this.#finish()
  }

  /** The answer failed before its first byte: everybody is told so. */
  fail(error: AppError): void {
    this.#failure = error
    this.#finish()
  }

  /** Nobody will come back for it. */
  giveUp(): void {
    this.#controller.abort()
    this.#notify()
  }

  async #send(res: ServerResponse, reader: Reader, left: Promise<void>): Promise<void> {
    while (!res.destroyed) {
      if (this.#failure && !res.headersSent) throw this.#failure
      if (this.#head && !res.headersSent) res.writeHead(this.#head.status, this.#head.headers)
      const chunk = this.#chunks[reader.position]
      if (chunk) {
        const isLast = this.#ended && reader.position === this.#chunks.length - 1
        reader.position++
        if (isLast) return endWithin(res, chunk, this.#writeTimeoutMs)
        if (!res.write(chunk)) await drained(res, this.#writeTimeoutMs)
        this.#notify()
        continue
      }
      if (this.#ended || this.#failure) return void res.destroy()
      await Promise.race([this.#changed(), left])
    }
  }

  #push(bytes: Buffer): void {
    this.#chunks.push(bytes)
    this.#bytes += bytes.length
    this.#notify()
  }

  /** The fastest reader has it all; past the limit the slowest decides, and what all have is forgotten. */
  #hasRoom(): boolean {
    if (this.#readers.size === 0) return false
    const positions = [...this.#readers].map(({ position }) => position)
    if (this.#bytes <= REPLAY_LIMIT) return Math.max(...positions) === this.#chunks.length
    const slowest = Math.min(...positions)
    for (let i = slowest - 1; i >= 0 && this.#chunks[i]!.length > 0; i--) this.#chunks[i] = FORGOTTEN
    return slowest === this.#chunks.length
  }

  #waitForSomebody(): void {
    this.#alone = setTimeout(() => this.giveUp(), this.#graceMs)
    this.#alone.unref()
  }

  #finish(): void {
    if (this.#alone) clearTimeout(this.#alone)
    this.#notify()
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** Next piece to send. */
interface Reader {
  position: number
}

const FORGOTTEN = Buffer.alloc(0)
