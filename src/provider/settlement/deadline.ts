/** Until when something is waited for; may be brought forward while it is waited for. */
export class Deadline {
  /** ms since the epoch. */
  #at: number

  constructor(at: number) {
    this.#at = at
  }

  get isOver(): boolean {
    return Date.now() >= this.#at
  }

  /** @param at ms since the epoch; a later one changes nothing */
  bringForward(at: number): void {
    this.#at = Math.min(this.#at, at)
  }
}
