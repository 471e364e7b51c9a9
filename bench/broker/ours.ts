import type { HDNodeWallet } from 'ethers'
import { silentLogger } from '../../src/base/log.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import { DEFAULT_LIMITS } from '../../src/provider/server/limits/limits.ts'
import { startPostgres } from '../../test/support/postgres.ts'
import { startWorld, tokenOf } from '../../test/support/world.ts'

/**
 * This broker before the engine at the port of the first argument, everything on: authentication, account,
 * metering, durable charge, signature, receipt. Only the limits are wide enough for a benchmark. Prints its
 * port and its users' keys.
 */
const USERS = 8
const [, , enginePort, database] = process.argv
const world = await startWorld()
const postgres = database === 'postgres' ? await startPostgres() : null
const engine = await attachUrlEngine({ target: `http://127.0.0.1:${enginePort}/v1`, logger: silentLogger })
const broker = await world.startBroker(engine, {
  limits: {
    ...DEFAULT_LIMITS,
    concurrent: 0,
    tokensInFlight: 0,
    user: { concurrent: 0, requestsPerMinute: 0, tokensPerMinute: 0 },
  },
  ...(postgres && { database: await postgres.create('bench') }),
})
const users = world.anvil.wallets.slice(2, 2 + USERS) as HDNodeWallet[]
for (const user of users) await world.fund(user, 10n ** 21n)
const tokens = await Promise.all(users.map((user) => tokenOf(user, broker.provider)))
console.log(JSON.stringify({ port: broker.port, tokens, pid: process.pid }))

process.once('SIGTERM', async () => {
  await world.stop()
  await engine.stop()
  await postgres?.stop()
  process.exit(0)
})
