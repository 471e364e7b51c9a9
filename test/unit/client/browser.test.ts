import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, it } from 'vitest'
import { reachable } from '../../support/reachable.ts'

const ROOT = join(import.meta.dirname, '../../..')

it('reaches nothing of Node from its entry for browsers', () => {
  const files = reachable(join(ROOT, 'src/browser.ts'))
  expect(files.size).toBeGreaterThan(60)
  for (const [file, imports] of files) {
    const ofNode = imports.filter((name) => name.startsWith('node:') || name === 'undici')
    expect(ofNode, relative(ROOT, file)).toEqual([])
    expect(readFileSync(file, 'utf8'), relative(ROOT, file)).not.toMatch(/\bBuffer\.|\bprocess\.(env|cwd)/)
  }
})

it('is what bundlers take for a page', () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  expect(Object.keys(exports['.'])[0]).toBe('browser')
  expect(exports['.'].browser).toEqual({ types: './dist/browser.d.ts', default: './dist/browser.js' })
})
