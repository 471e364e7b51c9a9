import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import fineTuning from '../../src/chain/artifacts/FineTuningServing.json' with { type: 'json' }
import inference from '../../src/chain/artifacts/InferenceServing.json' with { type: 'json' }
import ledger from '../../src/chain/artifacts/LedgerManager.json' with { type: 'json' }
import stakes from '../../src/chain/artifacts/Stakes.json' with { type: 'json' }

/**
 * The trees beside the tests of the contracts: `test/contracts/**.tree`. A line at the margin names entry points; a
 * leaf names the tests that show it, in brackets.
 */
const ROOT = join(import.meta.dirname, '../..')
const FOLDER = join(ROOT, 'test/contracts')
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
const read = (path: string): string => readFileSync(join(FOLDER, path), 'utf8')
const trees = files.filter((path) => path.endsWith('.tree'))
const testsOf = (path: string): string[] =>
  [...read(path.replace(/\.tree$/, '.t.sol')).matchAll(/function (test\w+)/g)].map(([, name = '']) => name)
const allTests = trees.flatMap(testsOf)

describe('the trees of the contracts’ tests', () => {
  it.each(trees)('%s: every leaf names tests that exist', (path) => {
    const known = path === 'inference/settleBatch.tree' ? allTests : testsOf(path)
    const leaves = leavesOf(read(path).trimEnd().split('\n'))
    expect(leaves.length).toBeGreaterThan(0)
    for (const leaf of leaves) {
      const named = /\[([^\]]+)\]$/.exec(leaf)?.[1]?.split(', ') ?? []
      expect(named, leaf).not.toEqual([])
      for (const name of named) expect(known, leaf).toContain(name)
    }
  })

  it('has one beside every file of unit tests', () => {
    const lacking = files
      .filter((path) => path.endsWith('.t.sol') && !path.startsWith('invariants/'))
      .filter((path) => !trees.includes(path.replace(/\.t\.sol$/, '.tree')))
    expect(lacking).toEqual([])
  })

  it.each([
    ['ledger', ledger],
    ['inference', inference],
    ['finetuning', fineTuning],
    ['stakes', stakes],
  ])('%s: every entry point that changes state is in one', (_, { abi }) => {
    const roots = trees.flatMap((path) => read(path).split('\n')).filter((line) => /^\w/.test(line))
    const named = new Set(roots.flatMap((line) => line.split(/\W+/)))
    const entries = (abi as readonly { type: string; name?: string; stateMutability?: string }[]).filter(
      ({ type, stateMutability }) => type === 'function' && !/view|pure/.test(stateMutability ?? ''),
    )
    expect(entries.length).toBeGreaterThan(5)
    expect(entries.map(({ name = '' }) => name).filter((name) => !named.has(name))).toEqual([])
  })
})

describe('the weaknesses of the deployed contracts', () => {
  const rows = readFileSync(join(ROOT, 'docs/CONTRACTS.md'), 'utf8').split('\n')
  const ids = Array.from({ length: 29 }, (_, index) => String(index + 1).padStart(2, '0'))
  const sources = files
    .filter((path) => path.endsWith('.t.sol'))
    .map(read)
    .join('\n')

  it.each(ids)('W-%s has a test named after it, or a line that says why it stays', (id) => {
    const row = rows.find((line) => new RegExp(`^\\|[^|]*W-${id}\\b`).test(line)) ?? ''
    if (/\| (stays for compatibility|does not apply)/.test(row)) return
    expect(row).toContain('| test:')
    expect(sources).toMatch(new RegExp(`function test\\w*_W${id}_`))
  })
})

/** Lines with nothing below them, the marginal ones left out. */
function leavesOf(lines: readonly string[]): string[] {
  const depth = (line = ''): number => /^[│├└─ ]*/.exec(line)?.[0].length ?? 0
  return lines.filter((line, index) => depth(line) > 0 && depth(lines[index + 1]) <= depth(line))
}
