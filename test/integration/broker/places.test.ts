import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Wallet } from 'ethers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { STRANGER_BODY_BYTES } from '../../../src/provider/server/gate.ts'
import { DEFAULT_LIMITS } from '../../../src/provider/server/limits/limits.ts'
import { type Bench, CHAT, startBench } from '../../support/brokerBench.ts'
import { tokenOf } from '../../support/world.ts'

/** More than the broker has places for callers without an account. */
const STRANGERS = 80

let bench: Bench

beforeAll(async () => {
  const strangers = { perIpPerMinute: 0, perMinute: 0 }
  bench = await startBench({ limits: { ...DEFAULT_LIMITS, strangers } })
})

afterAll(() => bench?.stop())

/** Sends bytes on a connection of its own. @returns cuts it off */
async function send(bytes: string): Promise<() => void> {
  const { hostname, port } = new URL(bench.broker.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  await new Promise<void>((sent) => socket.write(bytes, () => sent()))
  return () => socket.destroy()
}

it('strangers who leave while the chain is asked who they are hold no place', async () => {
  const stranger = await tokenOf(Wallet.createRandom(), bench.broker.provider)
  const authorization = `Bearer ${stranger}`
  expect((await bench.post(bench.chat(), { authorization })).code).toBe('account_missing')
  // The chain is asked for one user four times a second: all of these wait for their turn.
  const large = `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: ${STRANGER_BODY_BYTES + 1}\r\n\r\n`
  const cuts = await Promise.all(Array.from({ length: STRANGERS }, () => send(large)))
  await sleep(50)
  for (const cut of cuts) cut()
  // And so does this one, behind them.
  const last = await bench.post(' '.repeat(STRANGER_BODY_BYTES + 1), { authorization })
  expect(last.code).toBe('account_missing')
})
