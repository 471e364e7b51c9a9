import { AppError, EXIT, type ExitCode } from '../base/errors.ts'

/** Body of an error answer, in OpenAI's shape; every field is a stranger's word. */
interface ErrorBody {
  readonly error?: {
    readonly message?: unknown
    readonly code?: unknown
    readonly hint?: unknown
    readonly next?: unknown
    readonly retryable?: unknown
    readonly details?: unknown
  }
}

/** The error that a broker answered, as ours: its code and words, kept short and free of control characters. */
export function brokerError(status: number, body: string): AppError {
  const error = parse(body).error ?? {}
  const retryable = typeof error.retryable === 'boolean' ? error.retryable : status === 429 || status >= 500
  const code = asCode(error.code) ?? `provider_http_${status}`
  const hint = asText(error.hint) ?? HINTS.get(code) ?? defaultHint(status)
  return new AppError({
    code,
    message: asText(error.message) ?? `The provider answered ${status}`,
    ...(hint && { hint }),
    next: asCommand(error.next) ?? '0g-compute provider list',
    retryable,
    status,
    exitCode: exitCodeOf(status),
    ...(isRecord(error.details) && { details: error.details }),
  })
}

/** An answer that has not the form that the protocol fixes. */
export const malformedAnswer = (what: string): AppError =>
  new AppError({
    code: 'provider_answer_malformed',
    message: `The provider's answer to ${what.split('?')[0]} has not the form that the protocol fixes`,
    hint: 'It may run another release. Try another provider',
    next: '0g-compute provider list',
    exitCode: EXIT.malformed,
  })

/** An answer that did not come in time. */
export const tooSlow = (url: string, cause?: unknown): AppError =>
  new AppError({
    code: 'provider_slow',
    message: `The provider at ${hostOf(url)} takes too long`,
    hint: 'Try again, or another provider. You pay at most for what you received',
    next: '0g-compute provider list',
    retryable: true,
    cause,
  })

/** For people. */
export const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'an invalid URL')

function exitCodeOf(status: number): ExitCode {
  if (status === 402) return EXIT.noFunds
  return status === 400 || status === 413 || status === 422 ? EXIT.malformed : EXIT.failed
}

/** What helps with refusals of engines, which say none themselves. Nothing is charged for them. */
const HINTS: ReadonlyMap<string, string> = new Map([
  [
    'context_length_exceeded',
    'Send less, or choose a model with a longer context: provider show names it. What was paid in stays yours',
  ],
  [
    'unsupported_parameter',
    'Leave it out, or ask another provider: engines differ. What was paid in stays yours',
  ],
])

function defaultHint(status: number): string | undefined {
  if (status === 429) return 'It is busy. Try again in a moment'
  if (status >= 500) return 'The fault is on its side. Try again, or another provider'
  return exitCodeOf(status) === EXIT.malformed ? 'Change the request, or ask another provider' : undefined
}

function parse(body: string): ErrorBody {
  try {
    const value: unknown = JSON.parse(body)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const asCode = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[a-z][a-z0-9_]{0,63}$/.test(value) ? value : undefined

/** Control characters could write to the terminal. */
const asText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.replace(/\p{Cc}+/gu, ' ').slice(0, 500) : undefined

/** A suggested command is shown to people who may paste it: only ours, without shell characters. */
const asCommand = (value: unknown): string | undefined =>
  typeof value === 'string' && /^0g-compute [\w .:/=-]{1,200}$/.test(value) ? value : undefined
