import type { EngineState } from './engine.ts'

/** An engine's state and those who want to know when it changes. */
export class StateCell {
  #current: EngineState
  readonly #listeners = new Set<(state: EngineState) => void>()

  constructor(initial: EngineState) {
    this.#current = initial
  }

  get current(): EngineState {
    return this.#current
  }

  set(next: EngineState): void {
    if (next === this.#current) return
    this.#current = next
    for (const listener of [...this.#listeners]) listener(next)
  }

  subscribe(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
