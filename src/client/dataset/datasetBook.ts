import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A dataset that was brought away from this machine. */
export interface DatasetEntry {
  readonly root: string
  readonly name: string
  readonly bytes: number
  readonly examples: number
  readonly place: string
  /** Whose key opens it; null when anyone can read it. */
  readonly sealedFor: string | null
  /** Milliseconds. */
  readonly at: number
}

/** What was uploaded from this machine: a line of JSON for each, in the order of time. */
export class DatasetBook {
  readonly #folder: string

  constructor(stateDir: string) {
    this.#folder = stateDir
  }

  async add(entry: DatasetEntry): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    await appendFile(this.#path, `${JSON.stringify(entry)}\n`, { mode: 0o600 })
  }

  /** A line that was cut off is left out. */
  async list(): Promise<DatasetEntry[]> {
    const text = await readFile(this.#path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    return text.split('\n').flatMap(entryIn)
  }

  get #path(): string {
    return join(this.#folder, 'datasets.jsonl')
  }
}

function entryIn(line: string): DatasetEntry[] {
  try {
    return [JSON.parse(line) as DatasetEntry]
  } catch {
    return []
  }
}
