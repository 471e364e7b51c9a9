import { AppError, EXIT } from '../base/errors.ts'

/** Evidence that cannot be read at all: exit 30. What can be read and is wrong is a verdict, not an error. */
export const malformedEvidence = (what: string, cause?: unknown): AppError =>
  new AppError({
    code: 'evidence_malformed',
    message: `The evidence cannot be read: ${what}`,
    hint: 'What cannot be read proves nothing. If a provider serves it, choose another one',
    next: '0g-compute provider list',
    exitCode: EXIT.malformed,
    ...(cause !== undefined && { cause }),
  })
