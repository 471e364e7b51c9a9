import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bench, startBench } from '../../support/brokerBench.ts'

let bench: Bench

beforeAll(async () => {
  bench = await startBench()
})
afterAll(() => bench?.stop())

/** What a broken disk does: no charge can be written from now on. */
function breakLedger(): void {
  const folder = join(bench.world.dir, 'broker')
  const file = readdirSync(folder, { recursive: true }).find((name) => String(name).endsWith('.sqlite'))
  const database = new DatabaseSync(join(folder, String(file)))
  database.exec('DROP TABLE users')
  database.close()
}

it('serves nothing that it could not charge, and says so to whoever sends it requests', async () => {
  const readiness = async () => (await fetch(`${bench.broker.url}/readyz`)).json()
  expect((await bench.post(bench.chat())).status).toBe(200)
  expect(await readiness()).toEqual({ ready: true, reasons: [] })
  breakLedger()
  expect(await bench.post(bench.chat())).toMatchObject({ status: 503, code: 'ledger_failed' })
  const asked = bench.scripted.requests.length
  expect(await bench.post(bench.chat())).toMatchObject({ status: 503, code: 'ledger_failed' })
  expect(bench.scripted.requests).toHaveLength(asked)
  expect(await readiness()).toEqual({ ready: false, reasons: ['ledger_failed'] })
})
