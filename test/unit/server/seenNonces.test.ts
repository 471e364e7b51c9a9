import { expect, it } from 'vitest'
import { SeenNonces } from '../../../src/provider/server/seenNonces.ts'

const WINDOW = 120

it('takes a nonce once, for as long as its time is inside the window', () => {
  const nonces = new SeenNonces(WINDOW)
  const time = 1_000_000
  expect(nonces.take('a', time, time)).toBe(true)
  for (const now of [time - WINDOW, time, time + WINDOW]) expect(nonces.take('a', time, now)).toBe(false)
  expect(nonces.take('b', time, time)).toBe(true)
})

it('forgets what no request could carry any more, and nothing that one could', () => {
  const nonces = new SeenNonces(WINDOW)
  const start = 1_000_000
  for (let now = start; now < start + 20 * WINDOW; now++) {
    for (const time of [now - WINDOW, now, now + WINDOW])
      expect(nonces.take(`${now}/${time}`, time, now)).toBe(true)
    const oldest = now - WINDOW
    if (oldest >= start) expect(nonces.take(`${oldest}/${oldest}`, oldest, now)).toBe(false)
  }
  expect(nonces.size).toBeLessThan(3 * 4 * WINDOW)
})
