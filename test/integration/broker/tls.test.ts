import { writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { readTlsIdentity, type TlsIdentity } from '../../../src/provider/server/tls.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { keyOf, makeTlsIdentity } from '../../support/tlsIdentity.ts'
import { startWorld, type World } from '../../support/world.ts'

let world: World
let scripted: ScriptedEngine
let broker: Broker
let tls: TlsIdentity

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  tls = makeTlsIdentity()
  const engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  broker = await world.startBroker(engine, { tls })
})

afterAll(async () => {
  await world?.stop()
  await scripted?.stop()
})

it('TLS ends in the broker, and its key is bound into the evidence', async () => {
  expect(broker.url).toMatch(/^https:/)
  const quote = JSON.parse(await read(`/v1/quote?nonce=${'ab'.repeat(32)}`))
  expect(quote.binding).toContain(keyOf(tls))
})

it('a certificate that is none is said to be so before anything starts', () => {
  const files = { cert: join(world.dir, 'cert.pem'), key: join(world.dir, 'key.pem') }
  expect(() => readTlsIdentity(files)).toThrow(/Cannot read a certificate/)
  writeFileSync(files.cert, 'nothing')
  writeFileSync(files.key, tls.key)
  expect(() => readTlsIdentity(files)).toThrow(/Cannot read a certificate/)
  writeFileSync(files.cert, tls.cert)
  expect(readTlsIdentity(files)).toEqual(tls)
})

function read(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(broker.url + path, { ca: tls.cert, checkServerIdentity: () => undefined }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    })
      .on('error', reject)
      .end()
  })
}
