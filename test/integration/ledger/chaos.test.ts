import { describe, expect, it } from 'vitest'
import { runChaos } from '../../../scripts/chaos/runChaos.ts'

describe.each(['ours', 'theirs'] as const)('chaos on %s contracts', (contracts) => {
  it('costs nobody a neuron: 80 requests, 4 kills, lost answers of the chain, reorganisations', {
    timeout: 240_000,
  }, async () => {
    const report = await runChaos({ requests: 80, kills: 4, replicas: 1, database: null, seed: 7, contracts })
    expect(report).toMatchObject({
      requests: 80,
      kills: 4,
      difference: 0n,
      unpaid: 0,
      paidTwice: 0,
      lostReceipts: 0,
      conflicts: 0,
    })
    expect(report.accepted).toBeGreaterThan(20)
    expect(report.reorganisations).toBeGreaterThan(0)
  })
})
