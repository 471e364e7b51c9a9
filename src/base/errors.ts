/**
 * Exit codes of the command line, by what the caller should do next.
 * `help exit-codes` prints this table.
 */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  noKey: 4,
  noFunds: 5,
  rejected: 10,
  incomplete: 11,
  unsupported: 20,
  malformed: 30,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface AppErrorOptions {
  /** Stable, snake_case; what programs match on. */
  readonly code: string
  /** What failed, in one line, without secrets or contents of prompts. */
  readonly message: string
  /** Why, and what helps. */
  readonly hint?: string
  /** The command that helps. */
  readonly next?: string
  /** Whether the same call may succeed later. */
  readonly retryable?: boolean
  readonly exitCode?: ExitCode
  /** HTTP status, where a server answers with this error. */
  readonly status?: number
  /** Figures for programs: amounts as decimal strings in neuron. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** The form in which an error leaves the program: `--json` output and HTTP bodies. */
export interface ErrorObject {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly next?: string
  readonly retryable: boolean
  readonly details?: Readonly<Record<string, unknown>>
}

/** Every failure that a user can see. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: string
  readonly hint: string | undefined
  readonly next: string | undefined
  readonly retryable: boolean
  readonly exitCode: ExitCode
  readonly status: number
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(options: AppErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
    this.hint = options.hint
    this.next = options.next
    this.retryable = options.retryable ?? false
    this.exitCode = options.exitCode ?? EXIT.failed
    this.status = options.status ?? 500
    this.details = options.details
  }

  toObject(): ErrorObject {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint !== undefined && { hint: this.hint }),
      ...(this.next !== undefined && { next: this.next }),
      retryable: this.retryable,
      ...(this.details !== undefined && { details: this.details }),
    }
  }
}

/** Whatever was thrown, as an `AppError`. Foreign errors keep their message and become `internal`. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new AppError({ code: 'internal', message, cause: thrown })
}
