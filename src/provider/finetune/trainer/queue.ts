/** A task that waits for a slot, or holds one. */
export interface Waiting {
  readonly id: string
  readonly user: string
}

/**
 * Who is next: of the users with the fewest running jobs the one who was served longest ago, and of that user's
 * tasks the first that came. Nobody can keep others waiting by sending more.
 * @param waiting in the order in which they came
 * @param servedAt when each user's last job began, ms
 */
export function nextInLine(
  waiting: readonly Waiting[],
  running: readonly Waiting[],
  servedAt: ReadonlyMap<string, number>,
): Waiting | null {
  const runningOf = (user: string) => running.filter((task) => task.user === user).length
  let best: Waiting | null = null
  for (const task of waiting) {
    if (best === null) {
      best = task
      continue
    }
    const byRunning = runningOf(task.user) - runningOf(best.user)
    const byTurn = (servedAt.get(task.user) ?? 0) - (servedAt.get(best.user) ?? 0)
    if (byRunning < 0 || (byRunning === 0 && byTurn < 0)) best = task
  }
  return best
}

/** The slots of this node: one for each GPU or group of them, or as many as configured. */
export class Slots {
  readonly #slots: readonly (readonly number[])[]
  readonly #taken = new Map<string, number>()
  readonly #running = new Map<string, Waiting>()
  readonly #servedAt = new Map<string, number>()
  readonly #now: () => number
  #waiting: (Waiting & { readonly begin: (slot: number) => void })[] = []

  /** @param slots the GPUs of each, none for one that computes on the CPU */
  constructor(slots: readonly (readonly number[])[], now: () => number = Date.now) {
    this.#slots = slots
    this.#now = now
  }

  get size(): number {
    return this.#slots.length
  }

  get running(): number {
    return this.#running.size
  }

  /**
   * Waits for a turn.
   * @returns its GPUs, and what gives the slot back
   */
  async take(
    task: Waiting,
    signal: AbortSignal,
  ): Promise<{ readonly gpus: readonly number[]; release(): void }> {
    const slot = await new Promise<number>((resolve, reject) => {
      const begin = (index: number) => {
        signal.removeEventListener('abort', leave)
        resolve(index)
      }
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other.begin !== begin)
        reject(signal.reason)
      }
      if (signal.aborted) return reject(signal.reason)
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push({ id: task.id, user: task.user, begin })
      this.#fill()
    })
    return {
      gpus: this.#slots[slot]!,
      release: () => {
        this.#taken.delete(task.id)
        this.#running.delete(task.id)
        this.#fill()
      },
    }
  }

  #fill(): void {
    for (let index = 0; index < this.#slots.length; index++) {
      if ([...this.#taken.values()].includes(index)) continue
      const next = nextInLine(this.#waiting, [...this.#running.values()], this.#servedAt)
      const entry = this.#waiting.find((waiting) => waiting.id === next?.id)
      if (!entry) return
      this.#waiting = this.#waiting.filter((waiting) => waiting !== entry)
      this.#taken.set(entry.id, index)
      this.#running.set(entry.id, { id: entry.id, user: entry.user })
      this.#servedAt.set(entry.user, this.#now())
      entry.begin(index)
    }
  }
}
