import { EPOCH_NUMBERS } from '../../../protocol/batch.ts'
import type { EpochMark, Numbers } from '../batches.ts'
import { epochMarkOf, epochRowOf } from '../batchRows.ts'
import type { RowSeal } from '../seal.ts'
import type { EpochRow } from '../tables.ts'
import type { GroupCommit } from './groupCommit.ts'
import { placeOf } from './place.ts'
import { write } from './statements.ts'

interface Parts {
  readonly path: string
  readonly seal: RowSeal
  readonly commits: GroupCommit
}

/**
 * The numbers of the one process that has the file. After a crash they go on above the highest that is on disk:
 * what was signed under a higher one was not answered, since an answer waits for the disk, so nobody has it.
 */
export class SqliteNumbers implements Numbers {
  readonly #parts: Parts
  #last: number
  #row: EpochRow | undefined

  constructor(parts: Parts, last: number, row: EpochRow | undefined) {
    this.#parts = parts
    this.#last = row ? Math.max(last, row.epoch * EPOCH_NUMBERS) : last
    this.#row = row
  }

  /** The one that `take` would give out. */
  get next(): number {
    return this.#last + 1
  }

  take(): number {
    this.#last = this.next
    return this.#last
  }

  async last(): Promise<number> {
    return this.#last
  }

  async epoch(): Promise<EpochMark | null> {
    const { path, seal } = this.#parts
    return this.#row ? epochMarkOf(seal, this.#row, placeOf(path)) : null
  }

  async enter(epoch: number, since: number): Promise<void> {
    const { path, seal, commits } = this.#parts
    this.#row = epochRowOf(seal, epoch, since, placeOf(path))
    this.#last = Math.max(this.#last, epoch * EPOCH_NUMBERS)
    await commits.commit([write('putEpoch', this.#row)])
  }

  async skipTo(number: number): Promise<void> {
    this.#last = Math.max(this.#last, number - 1)
  }
}
