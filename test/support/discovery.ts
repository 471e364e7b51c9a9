import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keccak256, toBeHex } from 'ethers'
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

/** What a fixed piece of work takes on the machine on which the bounds of these tests were chosen, ms. */
const YARDSTICK_MS = 15
const WORK = 2000

/** How many times as long this machine takes for it; 1 on a faster one. */
function slowness(): number {
  let fastest = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now()
    for (let i = 0; i < WORK; i++) keccak256(toBeHex(i, 32))
    fastest = Math.min(fastest, performance.now() - startedAt)
  }
  return Math.max(1, fastest / YARDSTICK_MS)
}

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
    const [coldMs, cachedMs] = [best(cold), best(cached)]
    return { found: cached[0]!.found, coldMs, cachedMs, firstColdMs: cold[0]!.ms, slowness: slowness() }
  } finally {
    rpc.destroy()
    await runtime.close()
    await world.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}
