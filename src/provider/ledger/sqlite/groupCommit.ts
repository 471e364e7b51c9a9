import { Worker } from 'node:worker_threads'
import { ledgerClosed, ledgerFailed } from '../errors.ts'
import { WRITE_TEXTS, type Write } from './statements.ts'
import type { BatchResult } from './writer.ts'

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Group commit: all writes that arrive while one commit is on its way to the disk share the next one. Batches
 * are committed in the order of the calls. After a failed commit nothing is written any more, because what
 * the disk holds is not known.
 */
export class GroupCommit {
  readonly #path: string
  readonly #worker: Worker
  readonly #exited: Promise<void>
  #writes: Write[] = []
  #waiting: Waiting[] = []
  #inFlight: Waiting[] | null = null
  #isScheduled = false
  #failure: Error | null = null
  #isClosing = false

  constructor(path: string) {
    this.#path = path
    this.#worker = new Worker(writerUrl(), { workerData: { path, texts: WRITE_TEXTS } })
    this.#worker.unref()
    this.#worker.on('message', (result: BatchResult) => this.#onResult(result))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()))
    void this.#exited.then(() => this.#fail(new Error('the writer ended')))
  }

  /**
   * Writes all of these in one transaction; resolves when it is on disk.
   * @throws AppError `ledger_failed`, `ledger_closed`
   */
  commit(writes: readonly Write[]): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    if (this.#isClosing) return Promise.reject(ledgerClosed(this.#path))
    this.#writes.push(...writes)
    this.#schedule()
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Commits what is waiting, then ends the writer. */
  async close(): Promise<void> {
    if (!this.#isClosing) {
      const last = this.#failure ? null : this.commit([])
      this.#isClosing = true
      await last?.catch(() => {})
      this.#worker.ref()
      this.#worker.postMessage('close')
    }
    await this.#exited
  }

  /** Calls of the same turn of the event loop share a batch too. */
  #schedule(): void {
    if (this.#isScheduled || this.#inFlight) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#sendNext()
    })
  }

  #sendNext(): void {
    if (this.#inFlight || this.#failure || this.#waiting.length === 0) return
    this.#inFlight = this.#waiting
    this.#worker.ref()
    this.#worker.postMessage(this.#writes)
    this.#writes = []
    this.#waiting = []
  }

  #onResult({ error }: BatchResult): void {
    if (error !== null) {
      this.#fail(new Error(error))
      return
    }
    const done = this.#inFlight ?? []
    this.#inFlight = null
    this.#worker.unref()
    this.#sendNext()
    for (const { resolve } of done) resolve()
  }

  #fail(cause: Error): void {
    this.#failure ??= this.#isClosing ? ledgerClosed(this.#path) : ledgerFailed(this.#path, cause)
    const lost = [...(this.#inFlight ?? []), ...this.#waiting]
    this.#inFlight = null
    this.#waiting = []
    this.#writes = []
    this.#worker.unref()
    for (const { reject } of lost) reject(this.#failure)
  }
}

/** The writer lies beside this file: as TypeScript in development, as JavaScript when built. */
const writerUrl = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './writer.ts' : './writer.js', import.meta.url)
