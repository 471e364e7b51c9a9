import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HDNodeWallet } from 'ethers'
import { Agent, request } from 'undici'
import { ONE_0G } from '../../src/base/units.ts'
import { startScriptedEngine } from '../../test/support/scriptedEngine.ts'
import { startWorld, tokenOf } from '../../test/support/world.ts'
import { Child } from '../chaos/child.ts'
import { freePorts } from '../chaos/freePorts.ts'

export interface SoakReport {
  readonly minutes: number
  /** Resident memory at minute two, or a fifth into a shorter run, MB; the median of a few looks. */
  readonly rssEarly: number
  readonly rssEnd: number
  /** Open descriptors at the end beyond those of then. */
  readonly descriptors: number
  readonly answered: number
  readonly failed: number
  /** Requests per second: offered, and what the broker can do. */
  readonly rate: number
  readonly capacity: number
}

const USERS = 8
const LOCKED = 10_000n * ONE_0G
const WARM_UP_MS = 5000
const PROBE_MS = 5000
const PROBE_CONCURRENCY = 32
const LOOKS = 9

/** Offers half of what the broker can do, streams and whole answers in turn, and looks at its process. */
export async function runSoak(minutes: number): Promise<SoakReport> {
  const world = await startWorld('ours')
  const engine = await startScriptedEngine()
  const [port] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const broker = new Child('brokerProcess.ts', () =>
    JSON.stringify({
      network: world.network,
      providerKey: world.provider.privateKey,
      teeDir: world.dir,
      dataDir: join(world.dir, 'broker'),
      database: null,
      leaseMs: 30_000,
      port,
      publicUrl: url,
      engineTarget: engine.target,
      clockOffsetMs: 0,
      settleEveryMs: 30_000,
    }),
  )
  const load = new Load(url)
  try {
    await broker.start()
    const wallets = world.anvil.wallets.slice(2, 2 + USERS) as HDNodeWallet[]
    for (const wallet of wallets) {
      await world.fund(wallet, LOCKED)
      load.tokens.push(await tokenOf(wallet, world.provider.address))
    }
    await load.flatOut(WARM_UP_MS)
    const capacity = await load.flatOut(PROBE_MS)
    engine.requests.length = 0
    const looks = new Looks(broker.pid, minutes)
    const rate = capacity / 2
    await load.steady(rate, minutes * 60_000, (atMs) => {
      engine.requests.length = 0
      looks.look(atMs)
    })
    return { minutes, ...looks.result(), answered: load.answered, failed: load.failed, rate, capacity }
  } finally {
    await load.close()
    broker.end()
    await engine.stop()
    await world.stop()
  }
}

class Load {
  readonly tokens: string[] = []
  readonly #url: string
  readonly #agent = new Agent({ connections: 64 })
  answered = 0
  failed = 0
  #sent = 0

  constructor(url: string) {
    this.#url = url
  }

  /** @returns requests per second */
  async flatOut(ms: number): Promise<number> {
    const before = this.answered
    const until = Date.now() + ms
    const worker = async () => {
      while (Date.now() < until) await this.#ask()
    }
    await Promise.all(Array.from({ length: PROBE_CONCURRENCY }, worker))
    return ((this.answered - before) * 1000) / ms
  }

  /** Offers so many requests per second, whatever becomes of them. */
  async steady(rate: number, ms: number, everySecond: (atMs: number) => void): Promise<void> {
    const startedAt = Date.now()
    const running = new Set<Promise<void>>()
    let offered = 0
    let second = 0
    for (let atMs = 0; atMs < ms; atMs = Date.now() - startedAt) {
      for (; offered < (atMs * rate) / 1000; offered++) {
        const one = this.#ask().finally(() => running.delete(one))
        running.add(one)
      }
      if (atMs >= second * 1000) {
        everySecond(atMs)
        second++
      }
      await sleep(5)
    }
    await Promise.all(running)
  }

  close = (): Promise<void> => this.#agent.close()

  async #ask(): Promise<void> {
    const index = this.#sent++
    const stream = index % 2 === 0
    try {
      const { statusCode, body } = await request(`${this.#url}/v1/proxy/chat/completions`, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { authorization: `Bearer ${this.tokens[index % this.tokens.length]}` },
        body: JSON.stringify({ model: 'steady', messages: [], max_tokens: 20, stream }),
      })
      for await (const _chunk of body);
      if (statusCode === 200) this.answered++
      else this.failed++
    } catch {
      this.failed++
    }
  }
}

/** Looks at a process from outside: what the system says of it. */
class Looks {
  readonly #pid: number
  readonly #earlyMs: number
  readonly #seen: { readonly atMs: number; readonly rss: number; readonly descriptors: number }[] = []

  constructor(pid: number, minutes: number) {
    this.#pid = pid
    this.#earlyMs = Math.min(2, minutes / 5) * 60_000
  }

  look(atMs: number): void {
    const rss =
      Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.#pid}/status`, 'utf8'))?.[1]) / 1024
    this.#seen.push({ atMs, rss, descriptors: readdirSync(`/proc/${this.#pid}/fd`).length })
  }

  result(): Pick<SoakReport, 'rssEarly' | 'rssEnd' | 'descriptors'> {
    const first = this.#seen.findIndex(({ atMs }) => atMs >= this.#earlyMs)
    const early = this.#seen.slice(first, first + LOOKS)
    const end = this.#seen.slice(-LOOKS)
    return {
      rssEarly: median(early.map(({ rss }) => rss)),
      rssEnd: median(end.map(({ rss }) => rss)),
      descriptors:
        median(end.map((look) => look.descriptors)) - median(early.map((look) => look.descriptors)),
    }
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
