import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Environment } from '../framework/paths.ts'

/** What the present command line keeps. @see client-wire.md section 5 */
export interface OldConfig {
  readonly path: string
  readonly network: string | undefined
  readonly rpcEndpoint: string | undefined
  /** In clear. */
  readonly privateKey: string | undefined
}

export const oldConfigPath = (env: Environment): string =>
  join(env.HOME || homedir(), '.0g-compute-cli', 'config.json')

/** @throws AppError `migration_nothing`, `config_malformed` */
export function readOldConfig(path: string): OldConfig {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new AppError({
      code: 'migration_nothing',
      message: `There is no configuration of the present command line at ${path}`,
      hint: 'Name it with --file, or import a key',
      next: '0g-compute wallet import',
      cause,
    })
  }
  const { network, rpcEndpoint, privateKey } = objectIn(text, path)
  return { path, network: asText(network), rpcEndpoint: asText(rpcEndpoint), privateKey: asText(privateKey) }
}

function objectIn(text: string, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Said below, without quoting what may be a key.
  }
  throw new AppError({
    code: 'config_malformed',
    message: `${path} is not a JSON object`,
    hint: 'Nothing was taken over',
    exitCode: EXIT.malformed,
  })
}

const asText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined
