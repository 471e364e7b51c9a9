import { Worker } from 'node:worker_threads'
import type { Hex } from '../../../base/hex.ts'
import type { PrivateKey } from '../../../protocol/signature.ts'
import { ledgerClosed, ledgerFailed } from '../errors.ts'
import { type BatchResult, BatchWriter, type WriterOptions } from './batchWriter.ts'
import { WRITE_TEXTS, type Write } from './statements.ts'

interface Waiting {
  readonly writes: readonly Write[]
  /** With the signatures of its receipts, in order. */
  readonly resolve: (signatures: readonly Hex[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * A lone batch is written in place where the disk takes less than this, ms: there the way to the thread and back costs
 * as much as the disk. A slower disk would hold up the event loop.
 */
const QUICK_MS = 1
/** How much one batch counts in what the disk is known to take. */
const WEIGHT = 0.1
/** After so many batches in place one goes to the thread, which then also moves the log into the main file. */
const IN_PLACE_RUN = 128
const NO_CHECKPOINTS = 'PRAGMA wal_autocheckpoint = 0'

/**
 * Group commit: all writes that arrive while one commit is on its way to the disk share the next one. Batches
 * are committed in the order of the calls, by a thread, or in place while nobody else waits and the disk is quick.
 * After a failed commit nothing is written any more, because what the disk holds is not known.
 */
export class GroupCommit {
  readonly #path: string
  readonly #inPlace: BatchWriter
  readonly #worker: Worker
  readonly #exited: Promise<void>
  #inPlaceCount = 0
  /** What a batch takes, smoothed; a disk that nobody has tried is slow. */
  #usualMs = 2 * QUICK_MS
  /** Callers that shared the last batch. */
  #lastSize = 0
  #waiting: Waiting[] = []
  #inFlight: Waiting[] | null = null
  #isScheduled = false
  #failure: Error | null = null
  #isClosing = false

  /** @param signerKey signs the receipts */
  constructor(path: string, signerKey: PrivateKey) {
    const options: WriterOptions = { path, texts: WRITE_TEXTS, signerKey }
    this.#path = path
    this.#inPlace = new BatchWriter(options, NO_CHECKPOINTS)
    this.#worker = new Worker(writerUrl(), { workerData: options })
    this.#worker.unref()
    this.#worker.on('message', (result: BatchResult) => this.#onResult(result))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()))
    void this.#exited.then(() => this.#fail(new Error('the writer ended')))
  }

  /** Why nothing is written any more. */
  get failure(): Error | null {
    return this.#failure
  }

  /**
   * Writes all of these in one transaction; resolves when it is on disk.
   * @throws AppError `ledger_failed`, `ledger_closed`
   */
  async commit(writes: readonly Write[]): Promise<void> {
    await this.sign(writes)
  }

  /** The same for writes with receipts, which come with the digest in the signature's place. @returns their signatures */
  sign(writes: readonly Write[]): Promise<readonly Hex[]> {
    if (this.#failure) return Promise.reject(this.#failure)
    if (this.#isClosing) return Promise.reject(ledgerClosed(this.#path))
    this.#schedule()
    return new Promise((resolve, reject) => this.#waiting.push({ writes, resolve, reject }))
  }

  /** Commits what is waiting, then ends the writer. */
  async close(): Promise<void> {
    if (!this.#isClosing) {
      const last = this.#failure ? null : this.commit([])
      this.#isClosing = true
      await last?.catch(() => {})
      this.#inPlace.close()
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
    this.#waiting = []
    const batch = this.#inFlight.flatMap(({ writes }) => writes)
    if (this.#mayBeInPlace(this.#inFlight.length)) {
      this.#onResult(this.#inPlace.commit(batch))
    } else {
      this.#worker.ref()
      this.#worker.postMessage(batch)
    }
  }

  /** One caller now as the last time, and a quick disk. */
  #mayBeInPlace(size: number): boolean {
    const isAlone = size === 1 && this.#lastSize === 1
    this.#lastSize = size
    return isAlone && this.#usualMs < QUICK_MS && ++this.#inPlaceCount % IN_PLACE_RUN !== 0
  }

  #onResult({ error, signatures, ms }: BatchResult): void {
    if (error !== null) {
      this.#fail(new Error(error))
      return
    }
    this.#usualMs += WEIGHT * (ms - this.#usualMs)
    const done = this.#inFlight ?? []
    this.#inFlight = null
    this.#worker.unref()
    this.#sendNext()
    let signed = 0
    for (const { writes, resolve } of done) {
      const receipts = writes.filter(([name]) => name === 'insertReceipt').length
      resolve(signatures.slice(signed, signed + receipts))
      signed += receipts
    }
  }

  #fail(cause: Error): void {
    this.#failure ??= this.#isClosing ? ledgerClosed(this.#path) : ledgerFailed(this.#path, cause)
    const lost = [...(this.#inFlight ?? []), ...this.#waiting]
    this.#inFlight = null
    this.#waiting = []
    this.#worker.unref()
    for (const { reject } of lost) reject(this.#failure)
  }
}

/** The writer lies beside this file: as TypeScript in development, as JavaScript when built. */
const writerUrl = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './writer.ts' : './writer.js', import.meta.url)
