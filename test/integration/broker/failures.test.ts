import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Contract, type HDNodeWallet, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { deployNetwork } from '../../../src/chain/deploy.ts'
import { prepare } from '../../../src/chain/transaction.ts'
import { startAdmin } from '../../../src/provider/admin/adminServer.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { loadConfig } from '../../../src/provider/config/load.ts'
import { perToken } from '../../../src/provider/config/resolve.ts'
import { readEarnings } from '../../../src/provider/earnings.ts'
import type { Engine } from '../../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../../src/provider/engine/url/attachUrlEngine.ts'
import { readTlsIdentity } from '../../../src/provider/server/tls.ts'
import { type ScriptedEngine, startScriptedEngine } from '../../support/scriptedEngine.ts'
import { startWorld, tokenOf, type World } from '../../support/world.ts'
import { clientOf } from '../client/clientOf.ts'

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
let headers: Record<string, string>
const dir = mkdtempSync(join(tmpdir(), 'zg-failures-'))

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  broker = await world.startBroker(engine)
  await world.fund(world.user)
  headers = { authorization: `Bearer ${await tokenOf(world.user, broker.provider)}` }
})

afterAll(async () => {
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
  rmSync(dir, { recursive: true })
})

const CHAT = '/v1/proxy/chat/completions'
const chat = () =>
  JSON.stringify({ model: 'steady', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 4 })

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(broker.url + path, { ...init, headers: { ...headers, ...init.headers } })
  const { error } = (await response.json()) as { error?: { code: string } }
  return { status: response.status, code: error?.code }
}

describe('a broker says what is wrong with', () => {
  it('a body that is compressed', async () => {
    const compressed = { method: 'POST', body: gzipSync(chat()), headers: { 'content-encoding': 'gzip' } }
    expect(await ask(CHAT, compressed)).toEqual({ status: 415, code: 'body_encoded' })
  })

  it('what somebody reads of another, by a number that is none, or of an answer that there was not', async () => {
    const { address } = world.user
    expect(await ask(`/v1/user/${Wallet.createRandom().address}/unsettledfee`)).toEqual({
      status: 403,
      code: 'account_of_another',
    })
    expect(await ask(`/v1/user/${address}/receipts?after=-1`)).toEqual({ status: 400, code: 'query_invalid' })
    expect(await ask(`/v1/proxy/signature/${'a'.repeat(32)}`)).toEqual({
      status: 404,
      code: 'chat_id_not_found',
    })
  })

  it('control by whoever has no token, another name for this machine, or a lever that there is not', async () => {
    const { control } = broker
    const admin = await startAdmin({ control, dataDir: join(dir, 'admin'), port: 0, onStop: () => {} })
    try {
      for (const [path, host, status] of [
        ['/status', undefined, 401],
        ['/nothing', undefined, 404],
        ['/status', 'evil.example', 403],
      ] as const) {
        expect(await adminAsks(admin.url + path, host)).toEqual({ status, code: 'admin_refused' })
      }
    } finally {
      await admin.stop()
    }
  })
})

function adminAsks(url: string, host: string | undefined): Promise<{ status?: number; code: string }> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers: { ...(host && { host }) } }, (res) => {
      let text = ''
      res.on('data', (chunk) => {
        text += chunk
      })
      res.on('end', () => resolve({ status: res.statusCode!, code: JSON.parse(text).error.code }))
    })
      .on('error', reject)
      .end()
  })
}

describe('an operator is told', () => {
  it('that a file cannot be read, or means nothing', async () => {
    const nothing = join(dir, 'nothing')
    expect(() => loadConfig({ file: nothing, env: {} })).toThrow(
      expect.objectContaining({ code: 'config_unreadable' }),
    )
    const file = join(dir, 'provider.yml')
    writeFileSync(file, 'prices: 7\n')
    expect(() => loadConfig({ file, env: {} })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    expect(() => readTlsIdentity({ cert: nothing, key: nothing })).toThrow(
      expect.objectContaining({ code: 'tls_unreadable' }),
    )
    await expect(readEarnings(`sqlite:${nothing}`, 0)).rejects.toMatchObject({ code: 'ledger_missing' })
  })

  it('that a price is no whole number of neuron', () => {
    expect(perToken('0.000000000001')).toBe(1n)
    expect(() => perToken('0.0000000000001')).toThrow(expect.objectContaining({ code: 'price_too_fine' }))
  })

  it('that an engine does not say how much its model takes', async () => {
    const silent = createServer((_req, res) => res.end(JSON.stringify({ data: [{ id: 'm' }] })))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const target = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`
    try {
      await expect(attachUrlEngine({ target, logger: silentLogger })).rejects.toMatchObject({
        code: 'context_length_unknown',
      })
    } finally {
      silent.close()
    }
  })

  it('that contracts cannot be deployed, and why a contract refused', async () => {
    const poor = Wallet.createRandom().connect(world.anvil.rpc) as HDNodeWallet
    await expect(deployNetwork(poor)).rejects.toMatchObject({ code: 'deployment_failed' })
    const contract = world.inference.connect(world.anvil.wallets[8]!) as Contract
    const call = { title: 'leave', contract, method: 'removeService', args: [] }
    await expect(prepare(world.anvil.wallets[8]!, call)).rejects.toMatchObject({
      code: 'transaction_reverted',
    })
  })
})

describe('a client', () => {
  it('without a folder trains nothing', async () => {
    const compute = await clientOf(world, world.user)
    expect(() => compute.finetune).toThrow(expect.objectContaining({ code: 'state_folder_needed' }))
    await compute.close()
  })
})
