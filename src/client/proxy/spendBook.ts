import { closeSync, fdatasyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { larger } from '../../base/bigint.ts'
import { AppError, EXIT } from '../../base/errors.ts'
import { isAlive } from '../../base/isAlive.ts'
import { format0G } from '../../base/units.ts'
import { FileTurn } from '../fileTurn.ts'

interface Contents {
  readonly v: 1
  /** `2026-11-22`, by UTC. */
  readonly day: string
  /** By receipts, neuron. */
  readonly spent: string
  /** The process whose book it is. */
  readonly pid: number
  /** Worst cost of requests whose end is not known, neuron by number. */
  readonly open: Readonly<Record<string, string>>
}

/** A request that may cost money. */
export interface Spending {
  /** It is over, and cost this. Null where nobody knows: then the worst counts. */
  settle(fee: bigint | null): void
}

/**
 * What was spent today, on disk. A request is written down with its worst cost before it leaves, so that a process
 * that dies counts too much, never too little; what was open then counts in full until the day is over.
 */
export class SpendBook {
  readonly #path: string
  readonly #limit: bigint | null
  readonly #now: () => number
  #day: string
  #spent: bigint
  readonly #open = new Map<string, bigint>()
  #next = 1

  /**
   * As the constructor, where another process may be opening the same book.
   * @throws AppError `spend_book_in_use`, `spend_book_malformed`
   */
  static open(path: string, limit: bigint | null): Promise<SpendBook> {
    return new FileTurn(`${path}.lock`).run(async () => new SpendBook(path, limit))
  }

  /** @param limit neuron a day; null for none */
  constructor(path: string, limit: bigint | null, now: () => number = Date.now) {
    this.#path = path
    this.#limit = limit
    this.#now = now
    const { day, spent, open, pid } = read(path)
    if (pid !== process.pid && isAlive(pid)) throw inUse(pid)
    this.#day = day
    // Requests of a process that ended: nobody will say what they cost.
    this.#spent = BigInt(spent) + Object.values(open).reduce((sum, amount) => sum + BigInt(amount), 0n)
    this.#turnDay()
    this.#write()
  }

  /** Spent today, neuron, with the worst cost of what is under way. */
  get today(): bigint {
    this.#turnDay()
    return this.#spent + this.#underWay
  }

  /** @throws AppError `spending_limit` (402) when the day's limit could be exceeded */
  begin(worst: bigint): Spending {
    const total = this.today + worst
    if (this.#limit !== null && total > this.#limit) throw limitReached(this.#limit, this.today, worst)
    const key = String(this.#next++)
    this.#open.set(key, worst)
    this.#write()
    return {
      settle: (fee) => {
        if (!this.#open.delete(key)) return
        this.#turnDay()
        this.#spent += fee ?? worst
        this.#write()
      },
    }
  }

  get #underWay(): bigint {
    let sum = 0n
    for (const amount of this.#open.values()) sum += amount
    return sum
  }

  #turnDay(): void {
    const day = dayOf(this.#now())
    if (day === this.#day) return
    this.#day = day
    this.#spent = 0n
  }

  #write(): void {
    const contents: Contents = {
      v: 1,
      day: this.#day,
      spent: this.#spent.toString(),
      pid: process.pid,
      open: Object.fromEntries([...this.#open].map(([key, amount]) => [key, amount.toString()])),
    }
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    const temporary = `${this.#path}.${process.pid}`
    const file = openSync(temporary, 'w', 0o600)
    try {
      writeSync(file, JSON.stringify(contents))
      fdatasyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, this.#path)
  }
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

function read(path: string): Contents {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return { v: 1, day: '', spent: '0', pid: 0, open: {} }
  }
  try {
    const contents = JSON.parse(text) as Contents
    if (contents.v === 1) {
      BigInt(contents.spent)
      return contents
    }
  } catch {
    // answered below, like JSON that is something else
  }
  throw new AppError({
    code: 'spend_book_malformed',
    message: `${path} does not say what was spent today`,
    hint: 'Remove the file to start at nothing',
    exitCode: EXIT.malformed,
  })
}

/** Two processes that count for themselves would spend the limit twice. */
const inUse = (pid: number): AppError =>
  new AppError({
    code: 'spend_book_in_use',
    message: `Another proxy of this account is running (process ${pid})`,
    hint: 'Use that one, or end it: two would each spend the whole limit',
    next: '0g-compute proxy --show-token',
    exitCode: EXIT.failed,
  })

const limitReached = (limit: bigint, today: bigint, worst: bigint): AppError =>
  new AppError({
    code: 'spending_limit',
    message: `Today's limit is ${format0G(limit)} 0G: ${format0G(today)} 0G are spent or under way, this may cost ${format0G(worst)} 0G`,
    hint: 'Nothing was sent. Ask for fewer tokens, wait for tomorrow (UTC), or start the proxy with a higher --max-spend',
    next: `0g-compute proxy --max-spend ${format0G(larger(2n * limit, today + worst))}`,
    exitCode: EXIT.noFunds,
    status: 402,
    details: { limit: limit.toString(), today: today.toString(), cost: worst.toString() },
  })
