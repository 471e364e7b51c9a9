import type { Slots } from '../trainer/queue.ts'

type Slot = Awaited<ReturnType<Slots['take']>>

/** The slots that tasks hold from the moment their turn comes until they are trained. */
export class HeldSlots {
  readonly #slots: Slots
  readonly #held = new Map<string, Slot>()

  constructor(slots: Slots) {
    this.#slots = slots
  }

  /** Waits for a task's turn; one that has a slot keeps it. */
  async of(task: { readonly id: string; readonly user: string }, signal: AbortSignal): Promise<Slot> {
    const held = this.#held.get(task.id) ?? (await this.#slots.take(task, signal))
    this.#held.set(task.id, held)
    return held
  }

  release(id: string): void {
    this.#held.get(id)?.release()
    this.#held.delete(id)
  }
}
