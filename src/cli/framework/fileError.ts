import { AppError } from '../../base/errors.ts'

/** Why a file or a folder cannot be used, by the system's code. */
const WHY: Readonly<Record<string, string>> = {
  EACCES: 'you may not',
  EPERM: 'you may not',
  EROFS: 'the disk takes nothing new',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk is full for you',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder',
}

/** An error of the file system in our words, or null for any other. */
export function fileError(thrown: unknown): AppError | null {
  const { code = '', path } = (thrown ?? {}) as NodeJS.ErrnoException
  const why = WHY[code]
  if (why === undefined || path === undefined) return null
  return new AppError({
    code: 'path_unusable',
    message: `Cannot use ${path}: ${why}`,
    hint: 'ZG_HOME names another folder for everything that is kept here',
    next: '0g-compute help environment',
    cause: thrown,
  })
}
