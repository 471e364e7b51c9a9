import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import {
  addSpending,
  asOf,
  type CountedKey,
  dayOf,
  endOfDay,
} from '../../../src/provider/ledger/keySpending.ts'
import { KeyBudgets } from '../../../src/provider/server/limits/keyLimits.ts'
import { freshFolder, openLedger } from '../../support/ledger.ts'
import { describeKeySpending } from '../../support/ledgerKeySpending.ts'

const ALICE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
const ID = `0x${'1d'.repeat(32)}` as const

describeKeySpending(async () => {
  const folder = freshFolder()
  return {
    open: () => openLedger(folder),
    remove: async () => rmSync(folder, { recursive: true }),
    async change(sql) {
      const database = new DatabaseSync(join(folder, 'ledger.sqlite'))
      database.exec(sql)
      database.close()
    },
  }
})

describe('a day of a key', () => {
  const spend = (per: CountedKey['per'], today: number, before?: ReturnType<typeof addSpending>) =>
    addSpending(before, { id: ID, per }, ALICE, 7n, today)

  it('begins at midnight in UTC', () => {
    const midnight = Date.parse('2026-11-23T00:00:00Z')
    expect(dayOf(midnight) - dayOf(midnight - 1)).toBe(1)
    expect(endOfDay(dayOf(midnight - 1))).toBe(midnight)
  })

  it('forgets what the day before spent, and a clock that goes back forgets nothing', () => {
    const first = spend('day', 100)
    const second = spend('day', 100, first)
    expect([100, 101, 99].map((day) => asOf(day, second).spent)).toEqual([14n, 0n, 14n])
    expect(spend('day', 101, second)).toMatchObject({ day: 101, spent: 7n })
    expect(spend('day', 99, second)).toMatchObject({ day: 100, spent: 21n })
  })

  it('means nothing to a limit for all time', () => {
    const spent = spend('total', 101, spend('total', 100))
    expect([100, 5000].map((day) => asOf(day, spent))).toEqual([spent, spent])
  })
})

describe('the budget of a key', () => {
  const limit = { id: ID, per: 'day', amount: 100n } as const
  const midnight = Date.parse('2026-11-23T00:00:00Z')
  const budgets = (spent: bigint) => new KeyBudgets({ spent: () => spent }, () => midnight - 1)

  it('counts what running requests may cost until it is given back, and what was charged', () => {
    const keys = budgets(30n)
    const giveBack = keys.reserve(limit, 50n)
    expect(keys.left(limit)).toBe(20n)
    expect(() => keys.reserve(limit, 21n)).toThrow(expect.objectContaining({ code: 'key_limit_reached' }))
    giveBack()
    keys.reserve(limit, 70n)
    expect(keys.left(limit)).toBe(0n)
  })

  it('says to the neuron what is left, and when it renews', () => {
    const refusalOf = (per: 'day' | 'total'): unknown => {
      try {
        return budgets(99n).reserve({ ...limit, per }, 2n)
      } catch (error) {
        return error
      }
    }
    expect(refusalOf('day')).toMatchObject({
      status: 402,
      details: {
        limit: '100',
        per: 'day',
        needed: '2',
        remaining: '1',
        renewsAt: '2026-11-23T00:00:00.000Z',
      },
    })
    expect(refusalOf('total')).toMatchObject({ details: { remaining: '1', renewsAt: null } })
  })

  it('is never below zero, whatever was charged', () => {
    expect(budgets(130n).left(limit)).toBe(0n)
  })
})
