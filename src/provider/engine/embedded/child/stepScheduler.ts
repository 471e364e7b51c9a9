/**
 * Lets all running generations take their next token together.
 *
 * node-llama-cpp evaluates what is queued at one moment as one batch, and holds its context lock until its queue is
 * empty. Without a common step the generations fall out of step: batches shrink to what happens to be queued, and a
 * new request waits seconds for the lock, as long as others keep the queue full. Here a step begins when every
 * member of the last one has its result, so the queue is empty in between and newcomers join.
 */
export class StepScheduler {
  #running = 0
  #isScheduled = false
  #waiting: (() => void)[] = []

  /** Runs one evaluation as part of the next step. */
  async run<T>(evaluate: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
      this.#scheduleStep()
    })
    try {
      return await evaluate()
    } finally {
      this.#running--
      this.#scheduleStep()
    }
  }

  #scheduleStep(): void {
    if (this.#running > 0 || this.#isScheduled || this.#waiting.length === 0) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      const members = this.#waiting
      this.#waiting = []
      this.#running = members.length
      for (const begin of members) begin()
    })
  }
}
