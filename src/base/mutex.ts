/** Where tasks take turns. */
export interface Turn {
  /** @param signal ends the waiting for others, where they are other processes */
  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

/** Lets one task run at a time, in the order in which they came. */
export class Mutex implements Turn {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task, task)
    this.#last = result.catch(() => undefined)
    return result
  }
}
