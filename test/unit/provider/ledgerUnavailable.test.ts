import { afterEach, expect, it, vi } from 'vitest'
import { openLedger } from '../../../src/provider/ledger/openLedger.ts'
import { ledgerKeys } from '../../support/ledger.ts'

afterEach(() => void vi.useRealTimers())

it('a PostgreSQL server that does not answer is tried again for a while, and then said to be away', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const startedAt = Date.now()
  // Nothing listens at port 1. Only the clock is ahead of time: the tries are real.
  const opening = openLedger({ ...ledgerKeys(), database: 'postgres://nobody@127.0.0.1:1/none' })
  const ahead = setInterval(() => vi.setSystemTime(Date.now() + 10_000), 50)
  await expect(opening).rejects.toMatchObject({
    code: 'ledger_unavailable',
    status: 503,
    retryable: true,
    message: 'The ledger postgres://127.0.0.1:1/none does not answer',
  })
  clearInterval(ahead)
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(30_000)
})
