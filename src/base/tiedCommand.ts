import { existsSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

const SHELL = '/bin/sh'

/**
 * A command as it is spawned for a child that sees contents: without core dumps, which would hold them, and dying
 * with this process where the system can see to that. Only a shell can do either; where there is none, none is used.
 * @param path of a program
 */
export function tiedCommand(path: string, args: readonly string[]): { file: string; args: string[] } {
  if (!existsSync(SHELL)) return { file: path, args: [...args] }
  const tied = findProgram('setpriv') ? 'exec setpriv --pdeathsig KILL "$0" "$@"' : 'exec "$0" "$@"'
  return { file: SHELL, args: ['-c', `ulimit -c 0; ${tied}`, path, ...args] }
}

/** The path of a program by its name on the PATH, or by a path. */
export function findProgram(program: string): string | undefined {
  if (program.includes('/')) return existsSync(program) ? resolve(program) : undefined
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}
