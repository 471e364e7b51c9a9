import { inspect } from 'node:util'

export type Direction = 'ours-on-theirs' | 'theirs-on-ours' | 'openai'

/** A line of `npm run interop`: one capability in one direction. */
export interface RowResult {
  readonly id: string
  readonly result: 'pass' | 'fail' | 'unsupported'
  /** What was seen, or why not. */
  readonly note: string
}

/** What a row saw, in a few words, or that the others' software cannot do it. A row that throws has failed. */
export type Seen = string | Unsupported

/** Returned by a row that has shown that software which is not ours cannot do it. */
export class Unsupported {
  readonly why: string

  constructor(why: string) {
    this.why = why
  }
}

/** Capabilities by name, in the order in which they run: each may build on those before it. */
export type Rows<Scene> = Readonly<Record<string, (scene: Scene) => Promise<Seen>>>

/** Rows that share a scene. */
export interface Suite {
  readonly direction: Direction
  readonly name: string
  readonly capabilities: readonly string[]
  /** It trains, for minutes, with the Python packages of the trainer. */
  readonly trains: boolean
  open(): Promise<OpenSuite>
}

export interface OpenSuite {
  run(capability: string): Promise<RowResult>
  close(): Promise<void>
}

interface Stoppable {
  stop(): Promise<void>
}

/** @param open starts everything that the rows work on; its `stop` ends all of it */
export function suiteOf<Scene extends Stoppable>(
  direction: Direction,
  name: string,
  open: () => Promise<Scene>,
  rows: Rows<Scene>,
  trains = false,
): Suite {
  return {
    direction,
    name,
    capabilities: Object.keys(rows),
    trains,
    async open() {
      const scene = await open()
      return {
        run: (capability) => runRow(`${direction}.${name}.${capability}`, () => rows[capability]!(scene)),
        close: () => scene.stop(),
      }
    },
  }
}

async function runRow(id: string, run: () => Promise<Seen>): Promise<RowResult> {
  try {
    const seen = await run()
    return seen instanceof Unsupported
      ? { id, result: 'unsupported', note: seen.why }
      : { id, result: 'pass', note: seen }
  } catch (error) {
    const note = error instanceof Error ? `${error.name}: ${error.message}` : inspect(error)
    return { id, result: 'fail', note: note.slice(0, 1000) }
  }
}

/** Polls until a condition holds. */
export async function eventually(
  condition: () => Promise<boolean> | boolean,
  what: string,
  withinMs = 60_000,
) {
  const until = Date.now() + withinMs
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** All rows of a suite, one after another. */
export async function* runSuite(suite: Suite): AsyncGenerator<RowResult> {
  const open = await suite.open()
  try {
    for (const capability of suite.capabilities) yield await open.run(capability)
  } finally {
    await open.close()
  }
}
