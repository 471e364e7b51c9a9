import { AppError, EXIT } from '../../base/errors.ts'

/** A sealed body that breaks the protocol. */
export const sealedMalformed = (why: string): AppError =>
  new AppError({
    code: 'e2ee_malformed',
    message: `The sealed body is not of the protocol: ${why}`,
    status: 400,
    exitCode: EXIT.malformed,
  })

/** Sealed to another enclave, or with a key that this one no longer has. */
export const keyMismatch = (): AppError =>
  new AppError({
    code: 'e2ee_key_mismatch',
    message: 'The request is sealed to another key than that of this enclave',
    hint: "Verify the provider's evidence again: it names the key",
    retryable: true,
    status: 409,
  })

/** Opened by the wrong key, changed on the way, or out of order. */
export const openFailed = (cause: unknown): AppError =>
  new AppError({
    code: 'e2ee_open_failed',
    message: 'The sealed body cannot be opened: it was changed on the way or sealed to another key',
    status: 400,
    exitCode: EXIT.rejected,
    cause,
  })
