/** One kind of thing that was found, and where. Never what stands there. */
export interface Finding {
  readonly code: string
  /** `error`: the trainer refuses the dataset. `warning`: it trains, but look at it. */
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly count: number
  /** The first places: lines of JSONL and CSV, rows of Parquet, from 1. */
  readonly lines: readonly number[]
}

/** So many places of each kind are kept. */
const LISTED = 20

/** Collects findings in constant memory. */
export class Findings {
  readonly #byMessage = new Map<string, Finding & { count: number; readonly lines: number[] }>()

  add(severity: Finding['severity'], code: string, message: string, line: number): void {
    const key = `${code} ${message}`
    const known = this.#byMessage.get(key)
    if (!known) {
      this.#byMessage.set(key, { code, severity, message, count: 1, lines: [line] })
      return
    }
    known.count++
    if (known.lines.length < LISTED) known.lines.push(line)
  }

  /** Errors first, each kind in the order in which it was met. */
  list(): Finding[] {
    const all = [...this.#byMessage.values()]
    return [...all.filter(isError), ...all.filter((finding) => !isError(finding))]
  }
}

const isError = ({ severity }: Finding): boolean => severity === 'error'
