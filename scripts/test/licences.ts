import { readFileSync } from 'node:fs'
import type { Part } from './part.ts'

const ALLOWED = new Set(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'BlueOak-1.0.0'])

interface LockEntry {
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly optional?: boolean
  readonly peer?: boolean
  readonly license?: string
}

/** Every package that a production install brings has a licence that allows it. */
export const licences = (): Part => ({
  name: 'licences of the production tree',
  async run() {
    const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
      packages: Record<string, LockEntry>
    }
    const wrong = Object.entries(lock.packages)
      .filter(([path, entry]) => path && !entry.dev && !entry.devOptional)
      .filter(([path, entry]) => !isAllowed(entry.license ?? licenceInPackage(path)))
    for (const [path, entry] of wrong) console.log(`${path}: ${entry.license ?? 'no licence'}`)
    return { passed: wrong.length ? 0 : 1, failed: wrong.length ? 1 : 0, skips: [] }
  },
})

const isAllowed = (licence: string): boolean =>
  licence
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((part) => ALLOWED.has(part)))

function licenceInPackage(path: string): string {
  const manifest = JSON.parse(readFileSync(`${path}/package.json`, 'utf8')) as { license?: string }
  return manifest.license ?? 'none'
}
