import type { CommandEntry } from '../commands.ts'

/** Options that every command takes; `true` where a value follows. */
export const GLOBAL_OPTIONS: Readonly<Record<string, boolean>> = {
  '--network': true,
  '--rpc': true,
  '--wallet': true,
  '--json': false,
  '--yes': false,
  '-y': false,
  '--quiet': false,
  '-q': false,
  '--no-color': false,
  '--help': false,
  '-h': false,
}

export interface Route {
  /** The command whose name matches most of the words, or null. */
  readonly entry: CommandEntry | null
  /** The command line without the words of the command's name. */
  readonly rest: readonly string[]
  /** The leading words, as far as they were looked at. */
  readonly words: readonly string[]
}

/** Finds the command that a command line means. Global options may stand before and between its words. */
export function route(argv: readonly string[], commands: readonly CommandEntry[]): Route {
  const positions = leadingWords(argv)
  const words = positions.map((position) => argv[position]!)
  for (let count = words.length; count > 0; count--) {
    const name = words.slice(0, count).join(' ')
    const entry = commands.find((candidate) => candidate.name === name)
    if (!entry) continue
    const taken = new Set(positions.slice(0, count))
    return { entry, rest: argv.filter((_, index) => !taken.has(index)), words }
  }
  return { entry: null, rest: argv, words }
}

/** Positions of at most two words that are no global options. */
function leadingWords(argv: readonly string[]): number[] {
  const positions: number[] = []
  for (let i = 0; i < argv.length && positions.length < 2; i++) {
    const word = argv[i]!
    if (!word.startsWith('-')) positions.push(i)
    else if (!(word.split('=', 1)[0]! in GLOBAL_OPTIONS)) break
    else if (GLOBAL_OPTIONS[word]) i++
  }
  return positions
}

/** The command name nearest to what was typed, or null when none is near. */
export function didYouMean(words: readonly string[], commands: readonly CommandEntry[]): string | null {
  const [topic, verb] = words
  const ofTopic = commands.flatMap(({ name }) => (name.startsWith(`${topic} `) ? [name.split(' ')[1]!] : []))
  const near = verb === undefined ? null : nearest(ofTopic, () => verb)
  if (near) return `${topic} ${near}`
  const typed = words.join(' ')
  return nearest(candidates(commands), (name) => (name.includes(' ') ? typed : topic!))
}

/** The name nearest to what was typed, or null when none is near. */
export function nearest(names: Iterable<string>, typedFor: (name: string) => string): string | null {
  let best: { name: string; distance: number } | null = null
  for (const candidate of names) {
    const distance = editDistance(typedFor(candidate), candidate)
    if (!best || distance < best.distance) best = { name: candidate, distance }
  }
  return best && best.distance <= Math.max(2, Math.floor(best.name.length * 0.34)) ? best.name : null
}

function candidates(commands: readonly CommandEntry[]): Set<string> {
  return new Set(commands.flatMap(({ name }) => [name, name.split(' ')[0]!]))
}

/** Optimal string alignment: insertion, deletion, substitution and swap of neighbours cost 1. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, rows[i - 2]![j - 2]! + 1)
      }
      row.push(cost)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}
