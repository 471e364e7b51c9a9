import { expect, it } from 'vitest'
import { discovery } from '../support/discovery.ts'

it('finds 5,000 services in 2 s, and in 200 ms where an earlier process found them', async () => {
  const { found, coldMs, cachedMs, slowness } = await discovery(5000)
  expect(found).toBe(5000)
  expect(coldMs).toBeLessThan(2000 * slowness)
  expect(cachedMs).toBeLessThan(200 * slowness)
}, 600_000)
