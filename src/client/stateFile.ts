import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FileLock, tryLock } from '../base/fileLock.ts'
import { Mutex } from './mutex.ts'

const LOCK_POLL_MS = 10

/** A file of text that processes share: readable by its owner alone, replaced as a whole, changed by one at a time. */
export class StateFile {
  readonly path: string
  readonly #turn = new Mutex()

  constructor(path: string) {
    this.path = path
  }

  /** @returns null where there is none */
  async read(): Promise<string | null> {
    try {
      return await readFile(this.path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  /**
   * On disk when it resolves. What is thrown by the change leaves the file as it was.
   * @returns what is in it now
   */
  change(change: (text: string | null) => string): Promise<string> {
    return this.#turn.run(async () => {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 })
      const lock = await this.#lock()
      try {
        const text = change(await this.read())
        await this.#replace(text)
        return text
      } finally {
        lock.release()
      }
    })
  }

  async #lock(): Promise<FileLock> {
    for (;;) {
      const lock = tryLock(`${this.path}.lock`)
      if (lock) return lock
      await sleep(LOCK_POLL_MS)
    }
  }

  async #replace(text: string): Promise<void> {
    const temporary = `${this.path}.${process.pid}`
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(text)
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(temporary, this.path)
  }
}
