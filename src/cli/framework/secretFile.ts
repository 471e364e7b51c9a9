import { readFileSync, statSync } from 'node:fs'
import { AppError, EXIT } from '../../base/errors.ts'

/**
 * Reads a secret from a file, without the newline at its end.
 * @param warn told when others on this machine can read the file too
 * @throws AppError `secret_unreadable`
 */
export function readSecretFile(path: string, warn: (text: string) => void): string {
  try {
    if (process.platform !== 'win32' && statSync(path).mode & 0o077) {
      warn(`${path} can be read by other users of this machine. Run: chmod 600 ${path}`)
    }
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    throw new AppError({
      code: 'secret_unreadable',
      message: `Cannot read ${path}`,
      hint: 'Does the file exist, and is it yours?',
      exitCode: EXIT.noKey,
      cause,
    })
  }
}
