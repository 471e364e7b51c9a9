/** Ends a text before the first of some strings, and holds back what may be the beginning of one. */
export class StopStrings {
  readonly #stops: readonly string[]
  #held = ''
  #isStopped = false

  constructor(stops: readonly string[]) {
    this.#stops = stops
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** The part of the text so far that is certain and was not returned before. */
  push(text: string): string {
    if (this.#isStopped) return ''
    const available = this.#held + text
    const end = this.#firstStop(available)
    if (end !== undefined) {
      this.#isStopped = true
      this.#held = ''
      return available.slice(0, end)
    }
    const certain = available.length - this.#beginningAtEnd(available)
    this.#held = available.slice(certain)
    return available.slice(0, certain)
  }

  flush(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }

  #firstStop(text: string): number | undefined {
    const found = this.#stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0)
    return found.length === 0 ? undefined : Math.min(...found)
  }

  /** The length of the longest end of `text` that begins a stop string. */
  #beginningAtEnd(text: string): number {
    let longest = 0
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length
      }
    }
    return longest
  }
}
