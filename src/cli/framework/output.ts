import type { ChalkInstance } from 'chalk'
import type { AppError } from '../../base/errors.ts'
import { painter } from './color.ts'
import type { Environment } from './paths.ts'
import { columnsOf, wrap } from './wrap.ts'

/** A stream that text is written to; `process.stdout` is one. */
export interface TextStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export interface OutputOptions {
  readonly json: boolean
  readonly quiet: boolean
  /** Tables as wide as their content. */
  readonly wide?: boolean
  /** Adds to a command what holds for this call. */
  readonly carry?: (command: string) => string
  readonly stdout: TextStream
  readonly stderr: TextStream
  readonly env: Environment
}

/** Something under way, shown on a terminal only. */
export interface Progress {
  update(title: string): void
  /** Takes the line away. */
  stop(): void
}

/** stdout carries the result, stderr everything else. With `--json` stdout is one object, or NDJSON. */
export class Output {
  readonly json: boolean
  /** Colours for stdout and for stderr. */
  readonly paint: ChalkInstance
  readonly notePaint: ChalkInstance
  readonly #options: OutputOptions

  constructor(options: OutputOptions) {
    this.json = options.json
    this.paint = painter(options.stdout, options.env)
    this.notePaint = painter(options.stderr, options.env)
    this.#options = options
  }

  /** The result: the object with `--json`, the text otherwise. Bigints become decimal strings. */
  result(value: object, text: (paint: ChalkInstance) => string): void {
    this.#options.stdout.write(this.json ? `${toJson(value)}\n` : endLine(text(this.paint)))
  }

  /** A result in words of ours, within the width of the terminal. */
  report(value: object, text: (paint: ChalkInstance) => string): void {
    const { stdout } = this.#options
    this.result(value, (paint) => wrap(text(paint), columnsOf(stdout)))
  }

  /** A piece of a stranger's text that comes in pieces. Nothing with `--json`. */
  piece(text: string): void {
    const { stdout } = this.#options
    if (!this.json) stdout.write(stdout.isTTY ? withoutControls(text) : text)
  }

  /** A line for people on stderr; `--quiet` drops it. */
  note(text: string): void {
    if (!this.#options.quiet) this.#say(text)
  }

  /** What is advised to run, with the wallet and the network of this call. */
  carried(command: string): string {
    return this.#options.carry?.(command) ?? command
  }

  /** The obvious next step after a success. */
  next(command: string): void {
    this.note(`${this.notePaint.dim('Next:')} ${this.carried(command)}`)
  }

  warn(text: string): void {
    this.#say(`${this.notePaint.yellow('Warning:')} ${text}`)
  }

  /** An error: what failed, why, and the command that helps. With `--json` the error object on stdout. */
  error(error: AppError): void {
    const next = error.next && this.carried(error.next)
    if (this.json) {
      this.#options.stdout.write(`${toJson({ ...error.toObject(), ...(next && { next }) })}\n`)
      return
    }
    const { red, dim } = this.notePaint
    const lines = [`${red('Error:')} ${error.message} ${dim(`(${error.code})`)}`]
    // Evidence that cannot be read is said in one line, whatever its shape.
    const isEvidence = error.code === 'evidence_malformed'
    if (error.hint && !isEvidence) lines.push(`  ${error.hint}`)
    if (next && !isEvidence) lines.push(`  ${dim('Try:')} ${next}`)
    this.#say(lines.join('\n'))
  }

  /** Words for people, within the width of their terminal. */
  #say(text: string): void {
    const { stderr } = this.#options
    stderr.write(endLine(wrap(text, columnsOf(stderr))))
  }

  /** Shows that something is under way. On anything but a terminal it shows nothing. */
  async progress(title: string): Promise<Progress> {
    const { stderr, quiet, env } = this.#options
    if (quiet || this.json || stderr !== process.stderr || !stderr.isTTY || env.TERM === 'dumb') {
      return { update: () => {}, stop: () => {} }
    }
    const { default: ora } = await import('ora')
    const spinner = ora({ text: title, stream: process.stderr, discardStdin: false }).start()
    return {
      update: (text) => {
        spinner.text = text
      },
      stop: () => spinner.stop(),
    }
  }

  /** A table for people, narrow enough for the terminal, or for 80 columns where there is none. */
  async table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<string> {
    const [{ default: Table }, { fitTable }] = await Promise.all([
      import('cli-table3'),
      import('../render/fitTable.ts'),
    ])
    const { stdout, wide } = this.#options
    const columns = (stdout.isTTY && stdout.columns) || NO_TERMINAL_COLUMNS
    const table = new Table({
      head: head.map((title) => this.paint.bold(title)),
      style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
      chars: NO_BORDERS,
    })
    const clean = rows.map((row) => row.map((cell) => cell.replace(/\p{Cc}/gu, '')))
    for (const row of fitTable(head, clean, wide ? Number.POSITIVE_INFINITY : columns)) table.push([...row])
    return table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')
  }
}

const NO_TERMINAL_COLUMNS = 80

const BORDERS = ['top', 'bottom', 'left', 'right'].flatMap((side) => [
  side,
  `${side}-mid`,
  ...(side === 'top' || side === 'bottom' ? [`${side}-left`, `${side}-right`] : []),
])
const NO_BORDERS = Object.fromEntries([...BORDERS, 'mid', 'mid-mid', 'middle'].map((name) => [name, '']))

/** Control characters other than tab and newline could command the terminal. */
const withoutControls = (text: string): string => text.replace(/(?![\n\t])\p{Cc}/gu, '')

const endLine = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`)

const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? item.toString() : item))
