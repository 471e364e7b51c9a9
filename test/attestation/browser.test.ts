import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import { reachable } from '../support/reachable.ts'
import { type SceneChanges, scene } from './support/scene.ts'

const SRC = join(import.meta.dirname, '../../src')

afterAll(() => vi.unstubAllGlobals())

it('needs nothing that a browser lacks', () => {
  const files = reachable(join(SRC, 'attestation/index.ts'))
  for (const [file, imports] of files) {
    expect(
      imports.filter((name) => name.startsWith('node:')),
      relative(SRC, file),
    ).toEqual([])
    expect(readFileSync(file, 'utf8'), relative(SRC, file)).not.toMatch(/\bBuffer\.|\bprocess\.|__dirname/)
  }
  const folders = new Set([...files.keys()].map((file) => relative(SRC, file).split('/')[0]))
  expect([...folders].filter((folder) => ['client', 'provider', 'cli'].includes(folder!))).toEqual([])
  expect(readdirSync(join(SRC, 'attestation')).length).toBeGreaterThan(20)
})

it.each<[string, SceneChanges, string]>([
  ['accepts', {}, 'accepted'],
  ['accepts with a GPU', { gpu: true }, 'accepted'],
  ['rejects', { collateral: { tcbStatus: 'Revoked' } }, 'rejected'],
  ['rejects', { rawQuote: (quote) => quote.fill(1, 640, 650) }, 'rejected'],
])('%s where there is a window, by JavaScript alone: %j', async (_verb, changes, outcome) => {
  // `@phala/dcap-qvl` takes its own curves and hashes instead of Node's when it finds a window.
  vi.resetModules()
  vi.stubGlobal('window', {})
  const { isBrowser } = (await import('@phala/dcap-qvl')).default
  const { verifyProvider } = await import('../../src/attestation/verifyProvider.ts')
  const { given, options } = scene(changes)
  const verdict = await verifyProvider(given, options)
  expect([isBrowser, verdict.outcome]).toEqual([true, outcome])
})
