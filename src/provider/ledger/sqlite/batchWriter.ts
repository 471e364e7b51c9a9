import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Hex } from '../../../base/hex.ts'
import { sqlite } from '../../../base/nodeSqlite.ts'
import { type PrivateKey, signDigest } from '../../../protocol/signature.ts'
import { CONNECTION_PRAGMAS } from './pragmas.ts'
import type { Write } from './statements.ts'

/** What a writer is opened with; crosses to the writer thread. */
export interface WriterOptions {
  readonly path: string
  /** Statements by name. */
  readonly texts: Readonly<Record<string, string>>
  /** Signs the receipts: their rows come with the digest in the signature's place. */
  readonly signerKey: PrivateKey
}

/** What became of a batch. */
export interface BatchResult {
  /** Why it is not on disk, or null when it is. */
  readonly error: string | null
  /** Of its receipts, in order. */
  readonly signatures: readonly Hex[]
  readonly ms: number
}

/** Signs and writes batches, each in one transaction with full sync. */
export class BatchWriter {
  readonly #database: DatabaseSync
  readonly #statements: ReadonlyMap<string, StatementSync>
  readonly #signerKey: PrivateKey

  /** @param pragmas beside those of every connection */
  constructor({ path, texts, signerKey }: WriterOptions, pragmas = '') {
    this.#database = new sqlite.DatabaseSync(path)
    this.#database.exec(`${CONNECTION_PRAGMAS}; ${pragmas}`)
    this.#statements = new Map(
      Object.entries(texts).map(([name, sql]) => [name, this.#database.prepare(sql)]),
    )
    this.#signerKey = signerKey
  }

  /** When it returns, the batch is on disk, or it says why not. */
  commit(batch: readonly Write[]): BatchResult {
    const startedAt = performance.now()
    const signatures: Hex[] = []
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      for (const write of batch) this.#run(write, signatures)
      this.#database.exec('COMMIT')
      return { error: null, signatures, ms: performance.now() - startedAt }
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      return { error: error instanceof Error ? error.message : String(error), signatures: [], ms: 0 }
    }
  }

  /** Moves what was written into the main file. */
  checkpoint(): void {
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  }

  close(): void {
    this.#database.close()
  }

  #run([name, ...values]: Write, signatures: Hex[]): void {
    if (name === 'insertReceipt') {
      const signature = signDigest(this.#signerKey, values.pop() as Hex)
      signatures.push(signature)
      values.push(signature)
    }
    this.#statements.get(name)!.run(...values)
  }
}
