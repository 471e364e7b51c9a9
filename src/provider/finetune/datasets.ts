import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../../base/errors.ts'
import { type Address, hexToBytes } from '../../base/hex.ts'
import { Mutex } from '../../base/mutex.ts'
import { eciesDecrypt } from '../../protocol/finetune/ecies.ts'
import { isSealed, openFile } from '../../protocol/finetune/sealedFile.ts'
import { openStream } from '../../protocol/finetune/sealedStream.ts'
import type { PrivateKey } from '../../protocol/signature.ts'
import { ZgRoot } from '../../storage/merkle/zgRoot.ts'
import type { KeyRing } from './keys.ts'
import type { DatasetStore } from './store/datasetStore.ts'
import { openSealed, sealInto, type Vault } from './vault.ts'

export interface DatasetDeskOptions {
  readonly store: DatasetStore
  readonly vault: Vault
  readonly keys: KeyRing
  readonly node: string
  /** The key that users seal datasets for. */
  readonly datasetKey: PrivateKey
  /** Of a dataset as it is sent. */
  readonly maxBytes: number
  readonly now?: () => number
}

/** Of one user at a time: as much as so many of the largest datasets. */
const DATASETS_PER_USER = 4
const SEALED_NAME = 'dataset'
const MAGIC_BYTES = 8

/** A dataset that arrived and is not yet anybody's. */
export interface ArrivedDataset {
  readonly root: string
  /** Keeps it for a user. */
  keep(user: Address): Promise<void>
  discard(): Promise<void>
}

/** What `DatasetDesk.open` has to make sure of. */
export interface ExpectedDataset {
  readonly root: string
  /** ECIES of the key that the file is sealed with, hex digits. */
  readonly sealedKey: string | null
  /** sha256 of the plaintext, 64 hex digits; null when nobody said. */
  readonly sha256: string | null
}

/** Takes datasets in and hands them out; on the disk they lie sealed, each under a key of its own. */
export class DatasetDesk {
  readonly #options: DatasetDeskOptions
  /** A dataset is a file and a row: nobody comes between the two. */
  readonly #turn = new Mutex()

  constructor(options: DatasetDeskOptions) {
    this.#options = options
  }

  /** Seals what arrives, in constant memory. @throws AppError `dataset_too_large` (413), `file_empty` (400) */
  async receive(source: AsyncIterable<Uint8Array>): Promise<ArrivedDataset> {
    const { vault, keys, store, node, maxBytes, now = Date.now } = this.#options
    const file = vault.incoming()
    const root = new ZgRoot()
    let bytes = 0
    const measured = async function* () {
      for await (const piece of source) {
        bytes += piece.length
        if (bytes > maxBytes) throw tooLarge(maxBytes)
        root.update(piece)
        yield piece
      }
    }
    const { key, wrapped } = keys.create(SEALED_NAME)
    const discard = () => rm(file, { force: true })
    try {
      await sealInto(file, key, SEALED_NAME, measured())
      const digest = root.digest()
      return {
        root: digest,
        discard,
        keep: (user) =>
          this.#turn.run(async () => {
            const earlier = await store.find(user, digest, node)
            // The same bytes: those that are there stay, for a task may be reading them.
            if (earlier) {
              await discard()
              return store.put({ ...earlier, createdAt: now() })
            }
            await this.#assertRoom(user, bytes)
            await rename(file, vault.datasetPath(user, digest))
            await store.put({ user, root: digest, node, createdAt: now(), bytes, wrappedKey: wrapped })
          }),
      }
    } catch (error) {
      await rm(`${file}.part`, { force: true })
      await discard()
      throw error
    }
  }

  /** Whether the user has sent it here. */
  async has(user: Address, root: string): Promise<boolean> {
    return (await this.#options.store.find(user, root, this.#options.node)) !== null
  }

  /**
   * Writes the plaintext of a user's dataset into a folder in memory, where it appears when it is whole.
   * @returns its length in bytes
   * @throws AppError `dataset_missing`, `dataset_differs`, `sealed_for_another_key`, `sealed_stream_damaged`
   */
  async openInto(target: string, user: Address, expected: ExpectedDataset): Promise<number> {
    const { store, vault, keys, node, datasetKey } = this.#options
    const found = await store.find(user, expected.root, node)
    if (!found) throw datasetMissing()
    const key = keys.open(SEALED_NAME, found.wrappedKey)
    const sent = openSealed(vault.datasetPath(user, expected.root), key, SEALED_NAME)
    const hash = createHash('sha256')
    let bytes = 0
    const measured = async function* () {
      for await (const piece of plaintextOf(sent, expected.sealedKey, datasetKey)) {
        hash.update(piece)
        bytes += piece.length
        yield piece
      }
    }
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    const part = `${target}.part`
    await pipeline(Readable.from(measured()), createWriteStream(part, { mode: 0o600 }))
    if (expected.sha256 !== null && hash.digest('hex') !== expected.sha256) throw datasetDiffers()
    await rename(part, target)
    return bytes
  }

  /** @param sentBefore one that was sent later stays, ms */
  remove(user: Address, root: string, sentBefore?: number): Promise<void> {
    const { store, vault, node } = this.#options
    return this.#turn.run(async () => {
      if (await store.remove({ user, root, node }, sentBefore)) await vault.removeDataset(user, root)
    })
  }

  /** Removes what nobody trained on in time. @param inUse roots of a user that open tasks name */
  async removeOlderThan(at: number, inUse: (user: Address, root: string) => boolean): Promise<void> {
    const { store, node } = this.#options
    for (const { user, root } of await store.olderThan(at, node)) {
      if (!inUse(user, root)) await this.remove(user, root)
    }
  }

  async #assertRoom(user: Address, bytes: number): Promise<void> {
    const { store, node, maxBytes } = this.#options
    if ((await store.bytesOf(user, node)) + bytes > DATASETS_PER_USER * maxBytes) throw tooMany()
  }
}

/** What the user sealed, opened; what was sent in plain text, as it is. */
async function* plaintextOf(
  sent: AsyncIterable<Uint8Array>,
  sealedKey: string | null,
  datasetKey: PrivateKey,
): AsyncGenerator<Uint8Array> {
  const { start, whole } = await peek(sent)
  if (isSealed(start)) yield* openFile(datasetKey, whole)
  else if (sealedKey !== null) yield* openStream(await eciesDecrypt(datasetKey, hexToBytes(sealedKey)), whole)
  else yield* whole
}

async function peek(source: AsyncIterable<Uint8Array>) {
  const iterator = source[Symbol.asyncIterator]()
  const first = await iterator.next()
  const start = first.done ? new Uint8Array() : first.value
  const whole = async function* () {
    try {
      yield start
      for (let step = await iterator.next(); !step.done; step = await iterator.next()) yield step.value
    } finally {
      await iterator.return?.()
    }
  }
  return { start: start.subarray(0, MAGIC_BYTES), whole: whole() }
}

const tooLarge = (maxBytes: number): AppError =>
  new AppError({
    code: 'dataset_too_large',
    message: `The dataset is larger than ${maxBytes} bytes, which is the most that this provider takes`,
    hint: 'Split it, or choose a provider that takes more',
    next: '0g-compute dataset validate',
    status: 413,
    details: { maxBytes },
  })

const tooMany = (): AppError =>
  new AppError({
    code: 'datasets_too_many',
    message: 'This provider keeps as much for this user as it will',
    hint: 'Datasets are removed when their task is over, or a day after they came',
    status: 429,
    retryable: true,
  })

const datasetMissing = (): AppError =>
  new AppError({
    code: 'dataset_missing',
    message: 'The dataset is not here',
    hint: 'It was never sent, or lay here for more than a day without a task. Send it again',
    next: '0g-compute dataset upload',
    status: 404,
  })

const datasetDiffers = (): AppError =>
  new AppError({
    code: 'dataset_differs',
    message: 'The dataset is not the one that the order names',
    hint: 'Nothing was paid. Send it again, then order again',
    next: '0g-compute finetune create',
    status: 409,
  })
