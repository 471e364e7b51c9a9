import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')

interface Figures {
  readonly results: readonly {
    readonly id: string
    readonly subject: string
    readonly value: number | null
  }[]
}

/** Gas by figure, of these contracts, after a slash of the deployed ones. */
const byFigure = ({ results }: Figures): Record<string, number> =>
  Object.fromEntries(
    results.flatMap(({ id, subject, value }) => (value === null ? [] : [[`${subject}/${id}`, value]])),
  )

/** Random addresses and signatures have zero bytes or not: their calldata varies by some gas a row. */
const TOLERANCE = 0.01

it('costs what the snapshot says, and no more than the goals', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'bench/gas.ts'), '--json'])
  const now = byFigure(JSON.parse(stdout))
  const snapshot = byFigure(JSON.parse(readFileSync(join(ROOT, 'bench/results/gas.json'), 'utf8')))

  expect(Object.keys(now)).toEqual(Object.keys(snapshot))
  for (const [id, gas] of Object.entries(now)) {
    const was = snapshot[id] ?? 0
    expect(Math.abs(gas - was), `${id}: ${gas}, in bench/results/gas.json ${was}`).toBeLessThan(
      TOLERANCE * was,
    )
  }
  expect(now['ours/batch50']).toBeLessThanOrEqual(9_200)
  expect(now['ours/batch200']).toBeLessThanOrEqual(8_500)
  expect(now['ours/voucher50']).toBeLessThanOrEqual(14_500)
  expect(now['ours/onboarding']).toBeLessThanOrEqual(160_000)
  expect(now['ours/settleFeesWithTEE50']).toBeLessThanOrEqual(0.6 * now['deployed/settleFeesWithTEE50']!)
})
