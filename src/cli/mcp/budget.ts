import { AppError, EXIT } from '../../base/errors.ts'
import { format0G } from '../../base/units.ts'

/**
 * What one session may cost, neuron. Something under way counts with its worst cost, so that calls made together
 * stay within it too.
 */
export class Budget {
  readonly #limit: bigint
  #spent = 0n
  #reserved = 0n

  constructor(limit: bigint) {
    this.#limit = limit
  }

  get spent(): bigint {
    return this.#spent
  }

  get left(): bigint {
    return this.#limit - this.#spent - this.#reserved
  }

  /** @returns what settles it, with the fee, or null where nobody knows: then the worst counts @throws AppError `budget_exceeded` */
  reserve(worst: bigint): (fee: bigint | null) => void {
    if (worst > this.left) throw exceeded(worst, this.left)
    this.#reserved += worst
    let open = true
    return (fee) => {
      if (!open) return
      open = false
      this.#reserved -= worst
      this.#spent += fee ?? worst
    }
  }
}

const exceeded = (worst: bigint, left: bigint): AppError =>
  new AppError({
    code: 'budget_exceeded',
    message: `It could cost ${format0G(worst)} 0G, and ${format0G(left)} 0G of the session's budget are left`,
    hint: 'Nothing was sent. Ask for fewer tokens, or let the user start the server with a larger --budget',
    next: '0g-compute mcp --budget 2',
    exitCode: EXIT.noFunds,
    status: 402,
    details: { worst: worst.toString(), left: left.toString() },
  })
