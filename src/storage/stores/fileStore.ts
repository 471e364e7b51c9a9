import { AppError, EXIT } from '../../base/errors.ts'
import type { Hex } from '../../base/hex.ts'

/** Somewhere that keeps files by their 0G root. */
export interface FileStore {
  /**
   * Keeps a file. Nothing is encrypted here: what others must not read is sealed before.
   * @returns its root
   */
  put(path: string): Promise<Hex>
  /**
   * Fetches a file; at `target` it appears when its bytes have that root.
   * @throws AppError `stored_file_missing`, `stored_file_differs`, `storage_unreachable`
   */
  fetch(root: Hex, target: string): Promise<void>
}

export const isRoot = (value: string): value is Hex => /^0x[0-9a-f]{64}$/.test(value)

export const fileMissing = (root: string) =>
  new AppError({
    code: 'stored_file_missing',
    message: `There is no file with the root ${root}`,
    hint: 'It was never put there, or it has been removed. A root is 0x and 64 lower-case hex digits.',
    status: 404,
  })

export const fileDiffers = (root: string, found: string) =>
  new AppError({
    code: 'stored_file_differs',
    message: `The storage delivered a file with the root ${found} instead of ${root}`,
    hint: 'It was changed where it is kept, or on the way. Nothing was kept.',
    exitCode: EXIT.rejected,
    status: 502,
  })
