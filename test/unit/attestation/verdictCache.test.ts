import { describe, expect, it } from 'vitest'
import { VerdictCache } from '../../../src/attestation/verdictCache.ts'
import { verifyProvider } from '../../../src/attestation/verifyProvider.ts'
import { OTHER_SIGNER, type SceneChanges, scene } from '../../attestation/support/scene.ts'

const remembered = async (changes: SceneChanges = {}) => {
  const { given, options } = scene(changes)
  const verdict = await verifyProvider(given, options)
  const cache = new VerdictCache(60)
  cache.remember(given, given.document!, verdict, 1000)
  return { cache, given, verdict }
}

describe('VerdictCache', () => {
  it('finds a verdict again, by provider and by document, as long as it is young', async () => {
    const { cache, given, verdict } = await remembered()
    expect(cache.recall(given, 61_000)).toBe(verdict)
    expect(cache.recallDocument(given, given.document!, 61_000)).toBe(verdict)
    expect(cache.recallDocument(given, `${given.document} `, 61_000)).toBeNull()
    expect(cache.recall(given, 61_001)).toBeNull()
    expect(cache.recall(given, 999)).toBeNull()
  })

  it.each([
    { teeSignerAddress: OTHER_SIGNER },
    { teeSignerAcknowledged: false },
    { url: 'http://127.0.0.1:1' },
    { additionalInfo: '{}' },
    { provider: OTHER_SIGNER },
  ])('does not know the provider any more after %j on chain', async (change) => {
    const { cache, given } = await remembered()
    expect(cache.recall({ ...given, service: { ...given.service, ...change } }, 2000)).toBeNull()
  })

  it('keeps no rejection', async () => {
    const { cache, given, verdict } = await remembered({ service: { teeSignerAcknowledged: false } })
    expect(verdict.outcome).toBe('rejected')
    expect(cache.recall(given, 2000)).toBeNull()
  })
})
