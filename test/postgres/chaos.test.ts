import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runChaos } from '../../scripts/chaos/runChaos.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'

let postgres: Postgres

beforeAll(async () => {
  postgres = await startPostgres()
})

afterAll(() => postgres?.stop())

describe('chaos with two replicas whose clocks differ by five seconds', () => {
  it.each(['ours', 'theirs'] as const)(
    'costs nobody a neuron on %s contracts',
    { timeout: 300_000 },
    async (contracts) => {
      const database = await postgres.create(`chaos-${contracts}`)
      const report = await runChaos({ requests: 80, kills: 5, replicas: 2, database, seed: 7, contracts })
      expect(report).toMatchObject({
        requests: 80,
        kills: 5,
        difference: 0n,
        unpaid: 0,
        paidTwice: 0,
        lostReceipts: 0,
        conflicts: 0,
      })
      expect(report.accepted).toBeGreaterThan(30)
    },
  )
})
