import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyHome } from './home.ts'

const home = emptyHome()
let server: Server
let url: string

/** An RPC of chain 5. */
beforeAll(async () => {
  server = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk) => {
      body += chunk
    })
    req.on('end', () => {
      const { id } = JSON.parse(body) as { id: number }
      res.end(JSON.stringify({ jsonrpc: '2.0', id, result: '0x5' }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const json = async (args: string[], env: Record<string, string> = {}) => {
  const { code, stdout } = await home.run([...args, '--json'], env)
  return { code, value: JSON.parse(stdout) }
}

const PROFILE = () => ({
  chainId: 5,
  rpcUrls: [url],
  ledger: '0x2dE54c845Cd948B72D2e32e39586fe89607074E3',
  inference: '0x47340d900bdFec2BD393c626E12ea0656F938d84',
  fineTuning: '0x4e3474095518883744ddf135b7E0A23301c7F9c0',
})

describe('networks', () => {
  it('are listed, mainnet by default', async () => {
    const { value } = await json(['network', 'list'])
    expect(value.networks).toMatchObject([
      { name: 'mainnet', chainId: 16661, selected: true },
      { name: 'testnet', chainId: 16602, selected: false },
    ])
  })

  it('are refused when their RPC is down or serves another chain', async () => {
    expect(await json(['network', 'show', '--rpc', 'http://127.0.0.1:1'])).toMatchObject({
      code: 1,
      value: { code: 'rpc_unreachable', retryable: true },
    })
    expect(await json(['network', 'show'], { ZG_RPC: url })).toMatchObject({
      code: 1,
      value: { code: 'wrong_chain', message: expect.stringContaining('chain 5, not 16661') },
    })
  })

  it('of one’s own are kept and used; they are never devnets', async () => {
    const file = join(home.dir, 'lab.json')
    writeFileSync(file, JSON.stringify({ ...PROFILE(), kind: 'devnet' }))
    expect((await json(['network', 'use', 'lab', '--profile', file])).code).toBe(0)
    const { code, value } = await json(['network', 'show'])
    expect([code, value.name, value.kind, value.block]).toEqual([0, 'lab', 'custom', 5])
    expect((await json(['network', 'list'])).value.networks).toHaveLength(3)
    expect((await json(['network', 'use', 'testnet'])).code).toBe(0)
    expect((await json(['network', 'list'])).value.networks[1].selected).toBe(true)
  })

  it.each([
    ['not JSON', 'x'],
    ['no object', '1'],
    ['no chain', '{"chainId":"5"}'],
  ])('that are %s are refused, exit 30', async (_case, text) => {
    const file = join(home.dir, 'bad.json')
    writeFileSync(file, text)
    expect(await json(['network', 'use', 'bad', '--profile', file])).toMatchObject({
      code: 30,
      value: { code: 'network_malformed' },
    })
  })

  it('of real money is named once where none is chosen, and not to programs', async () => {
    const env = { ZG_HOME: join(home.dir, 'newcomer') }
    const said = async (...args: string[]) => (await home.run(args, env)).stderr.includes('Using mainnet')
    const quiet = [
      await said('fund', '1', '--json'),
      await said('fund', '1', '--quiet'),
      await said('fund', '1', '--network', 'mainnet'),
    ]
    expect(quiet).toEqual([false, false, false])
    expect([await said('infer', 'hello'), await said('fund', '1')]).toEqual([true, false])
  })

  it('a devnet that is not up is said to be down', async () => {
    expect(await json(['network', 'show', '--network', 'devnet'])).toMatchObject({
      code: 1,
      value: { code: 'devnet_down', next: '0g-compute devnet up' },
    })
  })
})
