import { describe, expect, it } from 'vitest'
import type { Offer } from '../../../src/client/offers.ts'
import { ProviderHealth } from '../../../src/client/routing/providerHealth.ts'
import { rank } from '../../../src/client/routing/rank.ts'
import { Scout } from '../../../src/client/routing/scout.ts'

const offerOf = (provider: string): Offer =>
  ({ service: { provider }, model: 'm', prices: { input: 1n, output: 1n } }) as unknown as Offer

const [FAST, MIDDLE, SLOW] = ['0x01', '0x02', '0x03']
const OFFERS = [FAST, MIDDLE, SLOW].map((provider) => offerOf(provider!))

/** A client in front of three providers, on a machine that stumbles: seeded, so that each run is the same. */
class Simulation {
  readonly delays = new Map([
    [FAST, 10],
    [MIDDLE, 80],
    [SLOW, 200],
  ])
  readonly health = new ProviderHealth()
  readonly #scout = new Scout(this.health)
  #random: number
  #now = 1_000_000

  constructor(seed: number) {
    this.#random = seed
    for (const { service } of OFFERS)
      this.health.probed(service.provider, this.#time(service.provider) + this.#stumble(1))
  }

  /** @returns whom a request went to */
  async ask(hasMoney = async () => true): Promise<string> {
    const ranked = rank(OFFERS, { sort: 'latency', kind: 'chat' }, this.health, this.#now)
    const [{ service }] = (await this.#scout.order(ranked, hasMoney, this.#now)) as [Offer]
    const ms = this.#time(service.provider)
    this.#now += ms
    this.health.succeeded(service.provider, ms, this.#now)
    return service.provider
  }

  async askTimes(times: number): Promise<string[]> {
    const asked: string[] = []
    for (let i = 0; i < times; i++) asked.push(await this.ask())
    return asked
  }

  #time(provider: string): number {
    return this.delays.get(provider)! + 5 + 20 * this.#next() + this.#stumble(0.02)
  }

  /** Rarely a pause that has nothing to do with the provider, ms. */
  #stumble(chance: number): number {
    return this.#next() < chance ? 400 * this.#next() : 0
  }

  /** 0 to 1. @see https://en.wikipedia.org/wiki/Linear_congruential_generator */
  #next(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0
    return this.#random / 2 ** 32
  }
}

const countOf = (asked: readonly string[], provider: string) =>
  asked.filter((each) => each === provider).length
const SEEDS = Array.from({ length: 300 }, (_, i) => i * 7919 + 1)

describe('among providers of 10, 80 and 200 ms, on a machine that stumbles', () => {
  it('the fastest gets 95 of 100 requests after ten, whatever the first look at each took', async () => {
    const shares: number[] = []
    for (const seed of SEEDS) {
      const simulation = new Simulation(seed)
      await simulation.askTimes(10)
      shares.push(countOf(await simulation.askTimes(100), FAST!))
    }
    expect(shares.filter((share) => share < 95)).toEqual([])
  })

  it('requests move when it slows, and come back', async () => {
    for (const seed of SEEDS) {
      const simulation = new Simulation(seed)
      await simulation.askTimes(110)
      simulation.delays.set(FAST, 300)
      expect(countOf(await simulation.askTimes(20), MIDDLE!), `seed ${seed}`).toBeGreaterThanOrEqual(15)
      simulation.delays.set(FAST, 10)
      await simulation.askTimes(1000)
      expect(countOf(await simulation.askTimes(20), FAST!), `seed ${seed}`).toBeGreaterThanOrEqual(15)
    }
  })

  it('nobody is asked only to see how fast it is where money would have to be paid in first', async () => {
    const simulation = new Simulation(1)
    const asked: string[] = []
    let looked = 0
    const hasMoney = async () => {
      looked++
      return false
    }
    for (let i = 0; i < 50; i++) asked.push(await simulation.ask(hasMoney))
    expect([new Set(asked).size, looked]).toEqual([1, 2])
  })
})

describe('what is known of a speed', () => {
  it('is what is measured, and for who was never asked what the others let expect', () => {
    const health = new ProviderHealth()
    expect(health.latency(FAST!, 0)).toBe(Infinity)
    health.probed(FAST!, 10)
    health.probed(SLOW!, 30)
    expect(health.latency(FAST!, 0)).toBe(10)
    health.succeeded(FAST!, 510, 0)
    expect(health.latency(FAST!, 0)).toBe(510)
    expect(health.latency(SLOW!, 0)).toBe(530)
  })

  it('grows old', () => {
    const health = new ProviderHealth()
    health.probed(FAST!, 10)
    for (const at of [0, 1, 2]) health.succeeded(FAST!, 100, at)
    expect(health.hope(FAST!, 2)).toBe(100)
    for (let i = 0; i < 40; i++) health.succeeded(SLOW!, 200, 2)
    expect(health.hope(FAST!, 2)).toBeLessThan(50)
    expect(health.measured(FAST!, 200_000)).toBe(100)
    expect(health.measured(FAST!, 400_000)).toBe(null)
    expect(health.hope(FAST!, 400_000)).toBe(0)
  })

  it('is not upset by one pause, and follows when pauses go on', () => {
    const health = new ProviderHealth()
    for (let i = 0; i < 5; i++) health.succeeded(FAST!, 20, i)
    health.succeeded(FAST!, 10_000, 5)
    expect(health.latency(FAST!, 5)).toBeLessThan(60)
    for (let i = 0; i < 4; i++) health.succeeded(FAST!, 10_000, 6 + i)
    expect(health.latency(FAST!, 9)).toBeGreaterThan(300)
  })
})
