import { expect, it } from 'vitest'
import { discovery } from '../../support/discovery.ts'

it('finds 500 services in 2 s, and in 200 ms where an earlier process found them', async () => {
  const { found, coldMs, cachedMs, slowness } = await discovery(500)
  expect(found).toBe(500)
  expect(coldMs).toBeLessThan(2000 * slowness)
  expect(cachedMs).toBeLessThan(200 * slowness)
}, 120_000)
