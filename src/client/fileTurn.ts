import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FileLock, tryLock } from '../base/fileLock.ts'
import { Mutex, type Turn } from '../base/mutex.ts'

const POLL_MS = 10

/** Lets one task run at a time, also of processes that name the same file. Whoever dies gives its turn back. */
export class FileTurn implements Turn {
  readonly #path: string
  readonly #turn = new Mutex()

  /** @param path of the lock, which stays there */
  constructor(path: string) {
    this.#path = path
  }

  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#turn.run(async () => {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
      const lock = await this.#lock(signal)
      try {
        return await task()
      } finally {
        lock.release()
      }
    })
  }

  async #lock(signal: AbortSignal | undefined): Promise<FileLock> {
    for (;;) {
      const lock = tryLock(this.#path)
      if (lock) return lock
      await sleep(POLL_MS, undefined, signal && { signal })
    }
  }
}
