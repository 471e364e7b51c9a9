import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../base/errors.ts'

/** How the operator's commands find a running broker: `admin.json` in its data folder, for the owner alone. */
export interface AdminFile {
  readonly url: string
  readonly token: string
  readonly pid: number
}

const pathOf = (dataDir: string): string => join(dataDir, 'admin.json')

export function writeAdminFile(dataDir: string, file: AdminFile): void {
  mkdirSync(dataDir, { recursive: true })
  const path = pathOf(dataDir)
  rmSync(path, { force: true })
  writeFileSync(path, `${JSON.stringify(file)}\n`, { mode: 0o600, flag: 'wx' })
}

export const removeAdminFile = (dataDir: string): void => rmSync(pathOf(dataDir), { force: true })

/** @throws AppError `provider_not_running` */
export function readAdminFile(dataDir: string): AdminFile {
  try {
    const file = JSON.parse(readFileSync(pathOf(dataDir), 'utf8')) as AdminFile
    process.kill(file.pid, 0)
    return file
  } catch (cause) {
    throw new AppError({
      code: 'provider_not_running',
      message: `No broker runs from ${dataDir}`,
      hint: 'Start it, or name its data folder with --data-dir or its --config',
      next: '0g-compute provider serve',
      cause,
    })
  }
}
