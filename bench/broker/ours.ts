import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import { startPostgres } from '../../test/support/postgres.ts'
import { startServe } from '../../test/support/serveProcess.ts'
import { startWorld, tokenOf } from '../../test/support/world.ts'

/**
 * The chain, the users and, as a process of its own, the built program's `provider serve` before the engine at the port
 * of the second argument, with the options of its service unit and everything on: authentication, account, metering,
 * durable charge, signature, receipt. Only the limits are wide enough for a benchmark. Prints its port, its users'
 * keys, and its process.
 */
const USERS = 8
/** It is over by then: nothing is settled meanwhile. */
const NEVER_SECONDS = '86400'
const [, , program, enginePort, database] = process.argv as string[]
const world = await startWorld()
const postgres = database === 'postgres' ? await startPostgres() : null
const config = join(world.dir, 'provider.yaml')
const user = { concurrent: 0, requestsPerMinute: 0, tokensPerMinute: 0 }
writeFileSync(config, JSON.stringify({ limits: { concurrent: 0, tokensInFlight: 0, user } }))
const engine = ['--engine', 'url', '--target', `http://127.0.0.1:${enginePort}/v1`]
const prices = ['--price-input', '0.001', '--price-output', '0.004', '--settle-interval', NEVER_SECONDS]
const ledger = postgres ? ['--database', await postgres.create('bench')] : []
const unit = readFileSync('deploy/systemd/0g-provider.service', 'utf8')
const [, NODE_OPTIONS] = /^Environment=NODE_OPTIONS=(.+)$/m.exec(unit)!
const args = ['--config', config, ...engine, ...prices, ...ledger]
const broker = await startServe(world, args, { NODE_OPTIONS: NODE_OPTIONS! }, program)
const users = world.anvil.wallets.slice(2, 2 + USERS) as HDNodeWallet[]
for (const one of users) await world.fund(one, 10n ** 21n)
const tokens = await Promise.all(users.map((one) => tokenOf(one, world.provider.address)))
console.log(JSON.stringify({ port: Number(new URL(broker.url).port), tokens, pid: broker.child.pid }))

process.once('SIGTERM', async () => {
  await broker.stop()
  await world.stop()
  await postgres?.stop()
  process.exit(0)
})
