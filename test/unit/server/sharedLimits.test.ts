import { afterEach, describe, expect, it, vi } from 'vitest'
import { AppError } from '../../../src/base/errors.ts'
import { ledgerUnavailable } from '../../../src/provider/ledger/errors.ts'
import {
  EVERYBODY,
  type Holding,
  type Minute,
  NOTHING,
  type Usage,
} from '../../../src/provider/ledger/places.ts'
import { DEFAULT_LIMITS, type Limits } from '../../../src/provider/server/limits/limits.ts'
import { SharedLimits } from '../../../src/provider/server/limits/sharedLimits.ts'

const ALICE = `0x${'a1'.repeat(20)}` as const
const KEY = { id: `0x${'1d'.repeat(32)}`, per: 'total', amount: 100n } as const

/** What replicas share, in memory: the rounds of one replica at a time. */
class Shared {
  readonly holdings = new Map<string, Map<string, Holding>>()
  readonly minutes = new Map<string, Minute>()
  now = 0
  spent = 0n
  charged = 0n
  rounds = 0
  failure: Error | null = null

  replica(name: string, change: Partial<Limits> = {}): SharedLimits {
    const limits = { ...DEFAULT_LIMITS, ...change }
    const own = new Map<string, Holding>()
    this.holdings.set(name, own)
    const others = (holder: string) =>
      [...this.holdings]
        .filter(([replica]) => replica !== name)
        .map(([, held]) => held.get(holder) ?? NOTHING)
        .reduce(
          (a, b) => ({
            running: a.running + b.running,
            tokens: a.tokens + b.tokens,
            amount: a.amount + b.amount,
          }),
          NOTHING,
        )
    const usage = (): Usage => ({
      now: this.now,
      others,
      minute: (user) => this.minutes.get(user),
      spent: () => this.spent,
      charged: () => this.charged,
    })
    return new SharedLimits(
      {
        change: async (_about, decide) => {
          this.rounds++
          if (this.failure) throw this.failure
          // As after a lost connection, when it is not known whether the first time counted.
          decide(usage())
          const { holdings, minutes, result } = decide(usage())
          for (const [holder, holding] of holdings) own.set(holder, holding)
          for (const minute of minutes) this.minutes.set(minute.user, minute)
          return result
        },
        noteRevocation: async () => {},
        revocations: () => [],
      },
      () => limits,
    )
  }

  running = (name: string, holder: string = EVERYBODY): number =>
    this.holdings.get(name)!.get(holder)?.running ?? 0
}

const user = (change: object) => ({ user: { ...DEFAULT_LIMITS.user, ...change } })
const request = { user: ALICE, tokens: 10, key: null, covered: { amount: 0n, assertCovers: () => {} } }
afterEach(() => void vi.useRealTimers())

function once(act: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) act()
    isDone = true
  }
}

const code = (place: Promise<unknown>) => place.then(() => 'none').catch((error) => error.code)

describe('limits that replicas share', () => {
  it('count what all of them hold, and give back what is left', async () => {
    const shared = new Shared()
    const [one, two] = ['one', 'two'].map((name) => shared.replica(name, user({ concurrent: 2 })))
    const place = await one!.take(request)
    await two!.take(request)
    expect(await Promise.all([code(one!.take(request)), code(two!.take(request))])).toEqual([
      'concurrency',
      'concurrency',
    ])
    place.leave()
    await expect.poll(() => shared.running('one', ALICE)).toBe(0)
    expect(await code(two!.take(request))).toBe('none')
    expect([shared.running('one'), shared.running('two')]).toEqual([0, 2])
  })

  it('ask once for all that come at the same moment, and let in as many as there is room for', async () => {
    const shared = new Shared()
    const limits = shared.replica('one', { concurrent: 3 })
    const codes = await Promise.all(Array.from({ length: 10 }, () => code(limits.take(request))))
    expect(codes.filter((one) => one === 'none')).toHaveLength(3)
    expect(codes.filter((one) => one === 'global_concurrency')).toHaveLength(7)
    expect(shared.rounds).toBe(1)
  })

  it('fill a minute evenly by the clock of the database, and say where the user stands', async () => {
    const shared = new Shared()
    const [one, two] = ['one', 'two'].map((name) => shared.replica(name, user({ requestsPerMinute: 2 })))
    await one!.take(request)
    expect((await two!.take(request)).headers).toMatchObject({
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '60s',
    })
    expect(await code(one!.take(request))).toBe('rate_limit')
    shared.now = 30_000
    expect(await code(one!.take(request))).toBe('none')
    expect(await code(two!.take(request))).toBe('rate_limit')
  })

  it('take tokens that were used at one from the minute at the other', async () => {
    const shared = new Shared()
    const [one, two] = ['one', 'two'].map((name) => shared.replica(name, user({ tokensPerMinute: 600 })))
    one!.spend(ALICE, 1200)
    await expect.poll(() => shared.minutes.get(ALICE)?.tokens).toBe(1200)
    expect(await code(two!.take(request))).toBe('tpm_limit')
    shared.now = 61_000
    expect(await code(two!.take(request))).toBe('none')
  })

  it('hold tokens and money until a place is left', async () => {
    const shared = new Shared()
    const [one, two] = ['one', 'two'].map((name) => shared.replica(name, { tokensInFlight: 100 }))
    const wide = await one!.take({ ...request, tokens: 500 })
    expect(await code(two!.take(request))).toBe('token_budget')
    wide.leave()
    await expect.poll(() => shared.running('one')).toBe(0)

    shared.spent = 30n
    const with_ = (amount: bigint) => ({ ...request, key: { limit: KEY, amount } })
    const held = await one!.take(with_(50n))
    const refusal = await two!.take(with_(21n)).catch((error) => error)
    expect(refusal).toMatchObject({ code: 'key_limit_reached', details: { remaining: '20', needed: '21' } })
    held.leave()
    await expect.poll(() => shared.running('one', KEY.id)).toBe(0)
    expect(await code(two!.take(with_(70n)))).toBe('none')
  })

  it('serve no more on one voucher than it covers, and wait for what just ended elsewhere', async () => {
    const shared = new Shared()
    const [one, two] = ['one', 'two'].map((name) => shared.replica(name))
    const paying = (cumulative: bigint, amount: bigint, onRefusal = () => {}) => {
      const assertCovers = (charged: bigint, reserved: bigint) => {
        if (charged + reserved + amount <= cumulative) return
        onRefusal()
        throw new AppError({
          code: 'voucher_insufficient',
          message: '',
          status: 402,
          retryable: reserved > 0n,
        })
      }
      return { ...request, covered: { amount, assertCovers } }
    }
    shared.charged = 30n
    const ends = await Promise.allSettled([one!, two!].map((limits) => limits.take(paying(80n, 50n))))
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const held = ends.find((end) => end.status === 'fulfilled')!.value
    // What is charged may still be held for a moment.
    shared.charged = 35n
    const next = await two!.take(paying(85n, 50n, once(held.leave)))
    next.leave()
    await expect.poll(() => shared.running('two', ALICE)).toBe(0)
    expect(await code(one!.take(paying(84n, 50n)))).toBe('voucher_insufficient')
  })

  it('refuse while the database does not answer, and tell it what changed when it does', async () => {
    const shared = new Shared()
    const limits = shared.replica('one')
    const place = await limits.take(request)
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    shared.failure = ledgerUnavailable('postgres', null)
    place.leave()
    expect(await code(limits.take(request))).toBe('ledger_unavailable')
    const { rounds } = shared
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    // It does not ask again and again where nobody waits.
    expect(shared.rounds).toBe(rounds)
    shared.failure = null
    expect([shared.running('one'), shared.running('one', ALICE)]).toEqual([1, 1])
    vi.runAllTimers()
    await expect.poll(() => [shared.running('one'), shared.running('one', ALICE)]).toEqual([0, 0])
  })
})
