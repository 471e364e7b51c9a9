import { writeFileSync } from 'node:fs'
import { AppError, EXIT } from '../../base/errors.ts'

/** Writes a file that only its owner may read, never over another. @throws AppError `file_exists`, `file_unwritable` */
export function writeNewFile(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw cannotWrite(path, (error as NodeJS.ErrnoException).code === 'EEXIST')
  }
}

const cannotWrite = (path: string, exists: boolean): AppError =>
  new AppError({
    code: exists ? 'file_exists' : 'file_unwritable',
    message: exists ? `${path} exists already` : `Cannot write ${path}`,
    hint: exists ? 'It was left as it is. Give another name' : 'Is the folder there, and yours?',
    exitCode: EXIT.usage,
  })
