import { mkdirSync } from 'node:fs'
import { AppError, EXIT } from '../../base/errors.ts'

/** Makes a broker's data folder, where it is not there. @throws AppError `data_dir_unusable` */
export function makeDataDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (cause) {
    throw new AppError({
      code: 'data_dir_unusable',
      message: `${path} cannot be made a data folder: ${(cause as NodeJS.ErrnoException).code}`,
      hint: 'It is a file, or this user may not write there. Name another folder with --data-dir',
      next: '0g-compute provider serve --help',
      exitCode: EXIT.usage,
      cause,
    })
  }
}
