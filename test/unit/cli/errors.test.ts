import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { catalogue, render } from '../../../scripts/errors/catalogue.ts'
import { EXIT } from '../../../src/base/errors.ts'
import { BUILT_IN_NETWORKS } from '../../../src/chain/networks.ts'
import { eip1193Account } from '../../../src/client/accounts/eip1193Account.ts'
import { Gateway } from '../../../src/client/gateway/gateway.ts'
import { fileKeyInventory } from '../../../src/client/keys/fileKeyInventory.ts'
import { ProxyServer } from '../../../src/client/proxy/proxyServer.ts'
import { SpendBook } from '../../../src/client/proxy/spendBook.ts'
import { noProvider } from '../../../src/client/routing/errors.ts'
import { emptyHome } from './home.ts'

const ROOT = join(import.meta.dirname, '../../..')
const home = emptyHome()

async function json(args: string[], env: Record<string, string> = {}, input = '') {
  const { code, stdout } = await home.run([...args, '--json'], env, input)
  return { code, value: JSON.parse(stdout) }
}

describe('the catalogue of errors', () => {
  const entries = catalogue(ROOT)

  it('is current: node scripts/errors.ts writes it', () => {
    expect(readFileSync(join(ROOT, 'docs/ERRORS.md'), 'utf8')).toBe(render(entries))
  })

  it('knows the exit code of each, and a hint of every one that the client or the command line makes', () => {
    for (const { code, exit, hint, files } of entries) {
      expect(Object.keys(EXIT), code).toContain(exit)
      const ours = files.every((file) => /^src\/(client|cli)\//.test(file))
      if (ours && code !== 'usage' && code !== 'terminal_needed') expect(hint, code).not.toBe('')
    }
  })

  it('has a test that names each', () => {
    const untested = entries.filter(({ tests }) => tests.length === 0)
    expect(untested.map(({ code, files }) => `${code}: ${files.join(', ')}`)).toEqual([])
  })
})

describe('on the command line', () => {
  it.each([
    [['help', 'nothing'], 2, 'topic_unknown'],
    [['config', 'set', 'rpc', 'not a url'], 2, 'url_invalid'],
    [['network', 'deploy', 'mainnet'], 2, 'network_name_taken'],
  ])('%j', async (args, exit, code) => {
    expect(await json(args)).toMatchObject({ code: exit, value: { code } })
  })

  it('a file of a key that is not there', async () => {
    const env = { ZG_PRIVATE_KEY_FILE: join(home.dir, 'nothing') }
    expect(await json(['wallet', 'show'], env)).toMatchObject({
      code: 4,
      value: { code: 'secret_unreadable' },
    })
  })

  it('a home that is no folder', async () => {
    const file = join(home.dir, 'file')
    writeFileSync(file, '')
    const { code, value } = await json(['wallet', 'new'], { ZG_HOME: file, ZG_PASSWORD: 'x' })
    expect([code, value.code, value.message]).toEqual([1, 'path_unusable', expect.stringContaining(file)])
  })

  it('a wallet that is no keystore', async () => {
    mkdirSync(join(home.dir, 'wallets'), { recursive: true })
    writeFileSync(join(home.dir, 'wallets', 'broken.json'), '{}')
    const asked = await json(['wallet', 'show', '--wallet', 'broken'])
    expect(asked).toMatchObject({ code: 30, value: { code: 'keystore_malformed' } })
  })
})

describe('in the client', () => {
  const gateway = new Gateway(
    { buy: () => Promise.reject(new Error('not asked')), offered: async () => [] },
    {},
  )

  it('an endpoint or a method that is not served', async () => {
    const request = { method: 'POST', path: '/v1/audio/speech', body: '{}' }
    await expect(gateway.serve(request)).rejects.toMatchObject({ code: 'endpoint_unknown', status: 404 })
    const wrong = { method: 'GET', path: '/v1/embeddings', body: '' }
    await expect(gateway.serve(wrong)).rejects.toMatchObject({ code: 'method_wrong', status: 405 })
    const broken = { method: 'POST', path: '/v1/embeddings', body: '[' }
    await expect(gateway.serve(broken)).rejects.toMatchObject({ code: 'request_invalid', status: 400 })
  })

  it('nobody who sells', () => {
    expect(noProvider('devnet', 'chat')).toMatchObject({ code: 'no_provider', next: '0g-compute devnet up' })
    expect(noProvider('devnet', 'image')).toMatchObject({ next: '0g-compute provider list' })
  })

  it('a list of keys that cannot be read: no number is guessed', async () => {
    writeFileSync(join(home.dir, 'keys.json'), '{"v":2}')
    const inventory = fileKeyInventory(home.dir)
    await expect(inventory.list()).rejects.toMatchObject({ code: 'keys_malformed', exitCode: 30 })
    await expect(inventory.change((keys) => keys)).rejects.toMatchObject({ code: 'keys_malformed' })
    expect(readFileSync(join(home.dir, 'keys.json'), 'utf8')).toBe('{"v":2}')
  })

  it('a wallet that shows no account', async () => {
    const request = async () => []
    await expect(eip1193Account({ request }, BUILT_IN_NETWORKS[0]!)).rejects.toMatchObject({
      code: 'wallet_refused',
    })
  })

  it('a second proxy of the same account, or at the same port', async () => {
    const path = join(home.dir, 'spent.json')
    writeFileSync(path, JSON.stringify({ v: 1, day: '', spent: '0', pid: process.ppid, open: {} }))
    expect(() => new SpendBook(path, null)).toThrow(
      expect.objectContaining({ code: 'spend_book_in_use', next: '0g-compute proxy --show-token' }),
    )

    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as AddressInfo
    const spending = new SpendBook(join(home.dir, 'other.json'), null)
    const buyer = { buy: () => Promise.reject(new Error('not asked')), offered: async () => [] }
    const proxy = (host: string) => new ProxyServer(buyer, { host, port, token: 't', spending })
    await expect(proxy('127.0.0.1').listen()).rejects.toMatchObject({ code: 'port_in_use' })
    await expect(proxy('192.0.2.1').listen()).rejects.toMatchObject({ code: 'listen_failed' })
    await new Promise((resolve) => taken.close(resolve))
  })

  it('a proxy without a body limit that surprises: 64 MiB, and then it says so', async () => {
    const spending = new SpendBook(join(home.dir, 'third.json'), null)
    const buyer = { buy: () => Promise.reject(new Error('not asked')), offered: async () => [] }
    const proxy = new ProxyServer(buyer, { host: '127.0.0.1', port: 0, token: 't', spending })
    const url = await proxy.listen()
    const body = new Blob([new Uint8Array(64 * 1024 * 1024 + 1)])
    const response = await fetch(`${url}/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer t' },
      body,
    })
    expect([response.status, (await response.json()).error.code]).toEqual([413, 'request_too_large'])
    const unknown = await fetch(`${url}/audio/speech`, {
      method: 'POST',
      headers: { authorization: 'Bearer t' },
    })
    expect((await unknown.json()).error).toMatchObject({
      code: 'endpoint_unknown',
      hint: expect.stringContaining('/v1/responses'),
    })
    await proxy.close(0)
  })
})
