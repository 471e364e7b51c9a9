/** Calls for the same thing that come while one is under way share its result. Nothing is kept afterwards. */
export class SingleFlight {
  readonly #flights = new Map<string, Promise<unknown>>()

  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const flight = this.#flights.get(key)
    if (flight) return flight as Promise<T>
    const started = task().finally(() => this.#flights.delete(key))
    this.#flights.set(key, started)
    return started
  }
}
