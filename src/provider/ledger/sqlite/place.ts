import { statSync } from 'node:fs'

/** What a file has that no copy of it has: its inode, and when that was made. */
export function placeOf(path: string): string {
  const { ino, birthtimeNs } = statSync(path, { bigint: true })
  return `${ino} ${birthtimeNs}`
}
