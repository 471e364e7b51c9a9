import { expect, it } from 'vitest'
import { once } from '../../../src/client/once.ts'

it('makes a thing once for all who ask, and again only where that failed', async () => {
  let made = 0
  const thing = once(async () => {
    made++
    if (made === 1) throw new Error('not yet')
    return made
  })
  const first = await Promise.allSettled([thing(), thing()])
  expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await Promise.all([thing(), thing(), thing()])).toEqual([2, 2, 2])
})
