import { describe, expect, it } from 'vitest'
import { Limiter } from '../../../src/provider/server/limits/limiter.ts'
import { DEFAULT_LIMITS, type Limits } from '../../../src/provider/server/limits/limits.ts'
import { Strangers } from '../../../src/provider/server/limits/strangers.ts'
import { TokenBucket } from '../../../src/provider/server/limits/tokenBucket.ts'

const ALICE = `0x${'a1'.repeat(20)}` as const
const BOB = `0x${'b0'.repeat(20)}` as const

const limiterWith = (change: Partial<Limits>, clock = { now: 0 }) =>
  new Limiter({ ...DEFAULT_LIMITS, ...change }, () => clock.now)

const userLimits = (change: object) => ({ user: { ...DEFAULT_LIMITS.user, ...change } })

const code = (act: () => unknown): string => {
  try {
    act()
    return 'none'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('a bucket', () => {
  it('holds a minute and fills evenly', () => {
    const bucket = new TokenBucket(60, 0)
    expect(bucket.take(60, 0)).toBe(true)
    expect(bucket.take(1, 999)).toBe(false)
    expect(bucket.waitMs(1, 999)).toBe(1)
    expect(bucket.take(1, 1000)).toBe(true)
    expect(bucket.level(3_600_000)).toBe(60)
  })

  it('goes below zero when more was used than there was, and says how long that takes', () => {
    const bucket = new TokenBucket(60, 0)
    bucket.spend(90, 0)
    expect(bucket.level(0)).toBe(-30)
    expect(bucket.waitMs(1, 0)).toBe(31_000)
  })

  it('keeps what was used when its size changes', () => {
    const bucket = new TokenBucket(60, 0)
    bucket.take(20, 0)
    bucket.resize(100, 0)
    expect(bucket.level(0)).toBe(80)
  })

  it('of capacity 0 is bottomless', () => {
    expect(new TokenBucket(0, 0).take(10 ** 9, 0)).toBe(true)
  })
})

describe('places', () => {
  it('are bounded for one user and for all', () => {
    const limiter = limiterWith({ concurrent: 3, ...userLimits({ concurrent: 2 }) })
    const first = limiter.enter(ALICE)
    limiter.enter(ALICE.toUpperCase().replace('0X', '0x') as typeof ALICE)
    expect(code(() => limiter.enter(ALICE))).toBe('concurrency')
    limiter.enter(BOB)
    expect(code(() => limiter.enter(BOB))).toBe('global_concurrency')
    first.leave()
    first.leave()
    expect(limiter.running).toBe(2)
    expect(code(() => limiter.enter(ALICE))).toBe('none')
  })

  it('of single users can be wider', () => {
    const limiter = limiterWith({ ...userLimits({ concurrent: 1 }), users: { [ALICE]: { concurrent: 2 } } })
    limiter.enter(ALICE)
    expect(code(() => limiter.enter(ALICE))).toBe('none')
    limiter.enter(BOB)
    expect(code(() => limiter.enter(BOB))).toBe('concurrency')
  })

  it('of a minute come back with time, and the headers say when', () => {
    const clock = { now: 0 }
    const limiter = limiterWith(userLimits({ requestsPerMinute: 2 }), clock)
    limiter.enter(ALICE).leave()
    expect(limiter.enter(ALICE).headers).toMatchObject({
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '60s',
    })
    expect(code(() => limiter.enter(ALICE))).toBe('rate_limit')
    clock.now = 30_000
    expect(code(() => limiter.enter(ALICE))).toBe('none')
  })

  it('wait while a minute of tokens is used up', () => {
    const clock = { now: 0 }
    const limiter = limiterWith(userLimits({ tokensPerMinute: 600 }), clock)
    const pass = limiter.enter(ALICE)
    pass.spendTokens(1200)
    pass.leave()
    expect(code(() => limiter.enter(ALICE))).toBe('tpm_limit')
    expect(limiter.headersOf(ALICE)['x-ratelimit-remaining-tokens']).toBe('0')
    clock.now = 61_000
    expect(code(() => limiter.enter(ALICE))).toBe('none')
  })

  it('hold their tokens until they are left, and one request alone always fits', () => {
    const limiter = limiterWith({ tokensInFlight: 100 })
    const first = limiter.enter(ALICE)
    first.reserveTokens(500)
    const second = limiter.enter(BOB)
    expect(code(() => second.reserveTokens(1))).toBe('token_budget')
    first.leave()
    expect(limiter.tokensInFlight).toBe(0)
    expect(code(() => second.reserveTokens(100))).toBe('none')
  })

  it('follow limits that change while requests run', () => {
    const limiter = limiterWith(userLimits({ concurrent: 1 }))
    const pass = limiter.enter(ALICE)
    limiter.change({ ...DEFAULT_LIMITS, ...userLimits({ concurrent: 2 }) })
    expect(code(() => limiter.enter(ALICE))).toBe('none')
    expect(code(() => limiter.enter(ALICE))).toBe('concurrency')
    pass.leave()
    expect(code(() => limiter.enter(ALICE))).toBe('none')
  })

  it('of users who are gone are forgotten', () => {
    const clock = { now: 0 }
    const limiter = limiterWith({}, clock)
    limiter.enter(ALICE).leave()
    clock.now = 120_000
    for (let i = 0; i < 4100; i++) limiter.enter(`0x${i.toString(16).padStart(40, '0')}`).leave()
    expect(limiter.headersOf(ALICE)).toEqual({})
  })
})

describe('strangers', () => {
  it('are bounded by address and in total, and customers get theirs back', () => {
    const strangers = new Strangers({ perIpPerMinute: 2, perMinute: 3 }, () => 0)
    strangers.take('1.1.1.1')
    strangers.take('1.1.1.1')()
    strangers.take('1.1.1.1')
    expect(code(() => strangers.take('1.1.1.1'))).toBe('unknown_callers_limited')
    strangers.take('2.2.2.2')
    expect(code(() => strangers.take('3.3.3.3'))).toBe('unknown_callers_limited')
  })
})
