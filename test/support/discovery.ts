import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Service } from '../../src/chain/inference.ts'
import { connect } from '../../src/chain/rpc.ts'
import { memoryCapabilityStore } from '../../src/client/capabilities/capabilityStore.ts'
import { nodeRuntime } from '../../src/client/nodeRuntime.ts'
import { listProviders } from '../../src/client/offers.ts'
import { onChain } from '../../src/client/onChain.ts'
import { fileCache } from '../../src/client/recall/fileCache.ts'
import { memoryReceiptStore } from '../../src/client/receipts/memoryReceiptStore.ts'
import { Remembered } from '../../src/client/routing/remembered.ts'
import { registerMany } from './manyServices.ts'
import { startWorld } from './world.ts'

/** The best of so many: what a busy machine does not hide. */
const ROUNDS = 5

/** How long it takes to know every service of a contract with so many: from the chain, and from an earlier process. */
export async function discovery(count: number) {
  const world = await startWorld()
  const dir = mkdtempSync(join(tmpdir(), 'zg-discovery-'))
  const runtime = nodeRuntime()
  const rpc = await connect(world.network)
  try {
    await registerMany(world, count)
    const cache = fileCache(dir, world.network)
    const surroundings = { runtime, receipts: memoryReceiptStore(), capabilities: memoryCapabilityStore() }
    const session = onChain({ network: world.network, account: null, cache, ...surroundings }, rpc)
    /** As a process that has just started. */
    const find = async (keptMs: number) => {
      const hold = { holdMs: 60_000, keptMs, cache, name: 'services' }
      const startedAt = performance.now()
      const services = await new Remembered<Service[]>(hold, Date.now).get('', () => listProviders(session))
      return { found: services.length, ms: performance.now() - startedAt }
    }
    const rounds = async (keptMs: number) => {
      const all = []
      for (let round = 0; round < ROUNDS; round++) all.push(await find(keptMs))
      return all
    }
    const cold = await rounds(0)
    const cached = await rounds(60_000)
    const best = (all: typeof cold) => Math.min(...all.map(({ ms }) => ms))
    return { found: cached[0]!.found, coldMs: best(cold), cachedMs: best(cached), firstColdMs: cold[0]!.ms }
  } finally {
    rpc.destroy()
    await runtime.close()
    await world.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}
