/** Options of a call to the present command line, as it was typed. */
export interface OldOptions {
  text(name: string): string | undefined
  /** @throws AppError `usage` when it is not there */
  required(name: string): string
  list(name: string): readonly string[]
}

/** A command of the network's present command line, `0g-compute-cli` 0.9.0. */
export interface OldCommand {
  /** Words as typed, with the long name of its group. */
  readonly name: string
  /** Its options, without those that most commands have: `text`, `list` where it may be repeated, `flag`. */
  readonly options?: Readonly<Record<string, 'text' | 'list' | 'flag'>>
  /** A complete call, for the table in docs/MIGRATION.md. */
  readonly example: string
  /** Ours. Without it there is none, and `note` says why. */
  readonly to?: (options: OldOptions) => readonly string[]
  /** What is different. */
  readonly note?: string
  /** Where there is none: what helps. */
  readonly next?: string
}

/** An option and its value where it was given. */
export const given = (flag: string, value: string | undefined): readonly string[] =>
  value === undefined ? [] : [flag, value]
