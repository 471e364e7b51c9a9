import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { AppError } from '../base/errors.ts'

/**
 * The Anvil program itself: npm's wrapper would stay between us and its signals.
 * @throws AppError `anvil_missing` with the command that installs it
 */
export function anvilBinary(): string {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const name = `@foundry-rs/anvil-${process.platform}-${arch}`
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
    return join(folder, 'bin', process.platform === 'win32' ? 'anvil.exe' : 'anvil')
  } catch (cause) {
    throw new AppError({
      code: 'anvil_missing',
      message: 'A devnet needs Anvil, which is not installed',
      hint: 'It is an optional part of this package',
      next: 'npm install @foundry-rs/anvil',
      cause,
    })
  }
}
