import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HDNodeWallet } from 'ethers'
import { ONE_0G } from '../../src/base/units.ts'
import { clientOf } from '../../test/integration/client/clientOf.ts'
import { type Contracts, startWorld, type World } from '../../test/support/world.ts'
import { type Balancer, startBalancer } from './balancer.ts'
import type { BrokerConfig, Settled } from './brokerProcess.ts'
import { Child } from './child.ts'
import { type FaultyChain, startFaultyChain } from './faultyChain.ts'
import { freePorts } from './freePorts.ts'
import { type Bought, type Judgement, judge } from './judge.ts'
import { seeded } from './random.ts'

export interface ChaosOptions {
  readonly requests: number
  readonly kills: number
  /** Brokers on one database; with SQLite one. */
  readonly replicas: number
  /** `postgres://…`, or null for SQLite. */
  readonly database: string | null
  readonly seed?: number
  /** Whose: this project's, with batches and epochs, or the live network's bytecode. */
  readonly contracts: Contracts
}

export interface ChaosReport extends Judgement {
  readonly requests: number
  readonly kills: number
  readonly answered: number
  readonly accepted: number
  readonly reorganisations: number
  readonly faults: FaultyChain['faults']
}

const CLIENTS = 8
const LOCKED = 50n * ONE_0G
const LEASE_MS = 2000
/** Between replicas' clocks. */
const CLOCK_OFFSET_MS = 5000
const SETTLE_EVERY_MS = 700
/** Reorganisations may not reach what the run stands on. */
const SETTLED_BLOCKS = 10
const MAX_REORG = 3
const REORG_EVERY_MS = 1000
const LAST_ROUNDS = 100
/** Nothing moved for so long: it never will. */
const STALL_MS = 60_000
const LOG_SHOWN = 6000

/**
 * Buyers, streaming and not, while brokers and engine are killed, the chain's answers are lost and its blocks are
 * taken back; then everything is let come to rest, and the books are compared.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const random = seeded(options.seed ?? 1)
  const world = await startWorld(options.contracts)
  const chain = await startFaultyChain(world.anvil.url, random)
  const [enginePort, ...ports] = await freePorts(1 + options.replicas)
  const balancer = options.replicas > 1 ? await startBalancer(ports) : null
  const stage: Stage = { options, random, world, chain, balancer, ports, enginePort: enginePort! }
  const engine = new Child('engineProcess.ts', () => String(stage.enginePort))
  const brokers = ports.map(
    (_, index) => new Child('brokerProcess.ts', () => JSON.stringify(configOf(stage, index))),
  )
  try {
    await engine.start()
    for (const broker of brokers) await broker.start()
    await world.acknowledge()
    return await new Run(stage, brokers, engine).run()
  } finally {
    for (const child of [...brokers, engine]) child.end()
    await balancer?.stop()
    await chain.stop()
    await world.stop()
  }
}

interface Stage {
  readonly options: ChaosOptions
  readonly random: () => number
  readonly world: World
  readonly chain: FaultyChain
  readonly balancer: Balancer | null
  readonly ports: readonly number[]
  readonly enginePort: number
}

const urlOf = ({ balancer, ports }: Stage): string => balancer?.url ?? `http://127.0.0.1:${ports[0]}`

const configOf = (stage: Stage, index: number): BrokerConfig => ({
  network: { ...stage.world.network, rpcUrls: [stage.chain.url] },
  providerKey: stage.world.provider.privateKey,
  teeDir: stage.world.dir,
  dataDir: join(stage.world.dir, `broker${index}`),
  database: stage.options.database,
  leaseMs: LEASE_MS,
  port: stage.ports[index]!,
  publicUrl: urlOf(stage),
  engineTarget: `http://127.0.0.1:${stage.enginePort}/v1`,
  clockOffsetMs: index * CLOCK_OFFSET_MS,
  settleEveryMs: SETTLE_EVERY_MS,
})

class Run {
  readonly #stage: Stage
  readonly #brokers: readonly Child[]
  readonly #engine: Child
  #issued = 0
  #answered = 0
  #kills = 0
  #reorganisations = 0
  #failure: unknown = null
  #doing = 'buying'

  constructor(stage: Stage, brokers: readonly Child[], engine: Child) {
    this.#stage = stage
    this.#brokers = brokers
    this.#engine = engine
  }

  /** @throws Error with what everyone was doing, and the brokers' logs, when nothing moves any more */
  async run(): Promise<ChaosReport> {
    const over = new AbortController()
    try {
      return await Promise.race([this.#runAll(), this.#untilStalled(over.signal)])
    } finally {
      over.abort()
    }
  }

  async #untilStalled(signal: AbortSignal): Promise<never> {
    for (let before = ''; ; ) {
      await sleep(STALL_MS, null, { signal })
      if (this.#state === before) throw this.#stuck()
      before = this.#state
    }
  }

  get #state(): string {
    return `${this.#doing}; ${this.#issued} issued, ${this.#answered} answered, ${this.#kills} kills`
  }

  #stuck(): Error {
    const logs = [...this.#brokers, this.#engine].map(({ log }) => log.slice(-LOG_SHOWN))
    return new Error(`chaos does not come to its end: ${this.#state}\n${logs.join('\n---\n')}`)
  }

  async #runAll(): Promise<ChaosReport> {
    const { world, chain, options } = this.#stage
    const wallets = world.anvil.wallets.slice(2, 2 + CLIENTS) as HDNodeWallet[]
    for (const wallet of wallets) await world.fund(wallet, LOCKED)
    await world.anvil.rpc.send('anvil_mine', [`0x${SETTLED_BLOCKS.toString(16)}`])
    chain.isFaulty = true
    const chaos = this.#wreak()
    const bought = await Promise.all(wallets.map((wallet) => this.#buy(wallet)))
    await chaos
    if (this.#failure) throw this.#failure
    chain.isFaulty = false
    await this.#comeToRest()
    const judgement = await judge(world, urlOf(this.#stage), bought, LOCKED)
    return {
      ...judgement,
      requests: this.#issued,
      kills: this.#kills,
      answered: this.#answered,
      accepted: bought.reduce((sum, { accepted }) => sum + accepted.length, 0),
      reorganisations: this.#reorganisations,
      faults: chain.faults,
      ...(options.requests !== this.#issued && { requests: this.#issued }),
    }
  }

  /** One buyer: asks, checks, keeps what it accepted, and goes on when it was cut off. */
  async #buy(wallet: HDNodeWallet): Promise<Bought> {
    const { world, options, random } = this.#stage
    const compute = await clientOf(world, wallet)
    const accepted = []
    while (this.#issued < options.requests && !this.#failure) {
      await this.#someoneServes()
      if (this.#issued >= options.requests) break
      this.#issued++
      try {
        const maxTokens = 5 + Math.floor(random() * 60)
        const messages = [{ role: 'user' as const, content: 'chaos' }]
        const answer = await compute.infer({ messages, model: 'steady', maxTokens, stream: random() < 0.5 })
        this.#answered++
        if (answer.verdict.outcome === 'accepted' && answer.receipt) accepted.push(answer.receipt)
      } catch {
        await sleep(50)
      }
    }
    await compute.close()
    return { wallet, accepted }
  }

  #someoneServes(): Promise<unknown> {
    return Promise.all([Promise.any(this.#brokers.map(({ ready }) => ready)), this.#engine.ready])
  }

  async #wreak(): Promise<void> {
    let isOver = false
    const reorganising = this.#reorganiseUntil(() => isOver)
    await this.#killThem()
    isOver = true
    await reorganising
  }

  /** Kills spread over the run, three of four a broker. */
  async #killThem(): Promise<void> {
    const { options, random } = this.#stage
    try {
      while (this.#kills < options.kills) {
        const at = ((this.#kills + random()) * options.requests) / (options.kills + 1)
        while (this.#issued < at) await sleep(10)
        const broker = this.#brokers[Math.floor(random() * this.#brokers.length)]!
        const victim = random() < 0.75 ? broker : this.#engine
        await victim.kill()
        this.#kills++
      }
    } catch (error) {
      this.#failure = error
    }
  }

  /** The newest blocks go, and what stood in them with them. */
  async #reorganiseUntil(isOver: () => boolean): Promise<void> {
    const { world, random } = this.#stage
    while (!isOver()) {
      await sleep(REORG_EVERY_MS * (0.5 + random()))
      const depth = 1 + Math.floor(random() * MAX_REORG)
      await world.anvil.rpc.send('anvil_reorg', [depth, []])
      this.#reorganisations++
    }
  }

  /**
   * Until settlements find nothing more to do, and nothing keeps them from it: first what the dead left behind is
   * charged.
   */
  async #comeToRest(): Promise<void> {
    const { world } = this.#stage
    await Promise.all([...this.#brokers, this.#engine].map(({ ready }) => ready))
    if (this.#stage.options.database) await sleep(2 * LEASE_MS)
    let quiet = 0
    for (let round = 0; quiet < 3 && round < LAST_ROUNDS; round++) {
      const before = await world.anvil.rpc.getTransactionCount(world.provider.address)
      let open: readonly string[] = []
      for (const broker of this.#brokers) open = [...open, ...(await broker.ask<Settled>('settle')).open]
      const after = await world.anvil.rpc.getTransactionCount(world.provider.address)
      quiet = after === before && open.length === 0 ? quiet + 1 : 0
      this.#doing = `settling, round ${round}: ${open.join(', ') || 'nothing open'}`
      await sleep(100)
    }
    if (quiet < 3) throw this.#stuck()
  }
}
