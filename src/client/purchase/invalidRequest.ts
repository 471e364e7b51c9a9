import { AppError, EXIT } from '../../base/errors.ts'

/** A request that no provider could answer. */
export const invalidRequest = (message: string): AppError =>
  new AppError({
    code: 'request_invalid',
    message,
    hint: 'Nothing was sent',
    status: 400,
    exitCode: EXIT.malformed,
  })
