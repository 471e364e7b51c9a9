import { join } from 'node:path'
import { type Contract, type HDNodeWallet, JsonRpcProvider } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../src/base/hex.ts'
import { parseToken, type SessionClaims, tokenHash } from '../../src/protocol/sessionToken.ts'
import { loadPg } from '../../src/provider/ledger/postgres/pg.ts'
import { DEFAULT_LIMITS, type UserLimits } from '../../src/provider/server/limits/limits.ts'
import { CHAT } from '../support/brokerBench.ts'
import { tokenOf } from '../support/world.ts'
import { type Reply, startTwoBrokers, type TwoBrokers } from './twoBrokers.ts'

const LIMITED: readonly Partial<UserLimits>[] = [
  { concurrent: 3 },
  { requestsPerMinute: 5 },
  { tokensPerMinute: 100 },
  { concurrent: 2 },
  {},
]

let both: TwoBrokers
/** Of the users above, in this order. */
let tokens: string[]
let wallets: HDNodeWallet[]

beforeAll(async () => {
  // The accounts of Anvil are always the same.
  const addresses = [
    '0x90f79bf6eb2c4f870365e785982e1f101e93b906',
    '0x15d34aaf54267db7d7c367839aaf71a00a2c6a65',
    '0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc',
    '0x976ea74026e726554db657fa54763abd0c3a0aa9',
    '0x14dc79964da2c08b23698b3d3cc7ca32193d9955',
  ]
  both = await startTwoBrokers({
    ...DEFAULT_LIMITS,
    concurrent: 6,
    tokensInFlight: 3000,
    users: Object.fromEntries(addresses.map((address, index) => [address, LIMITED[index]!])),
  })
  wallets = both.world.anvil.wallets.slice(3, 8)
  expect(wallets.map(({ address }) => address.toLowerCase())).toEqual(addresses)
  for (const wallet of wallets) await both.world.fund(wallet)
  tokens = await Promise.all(wallets.map((wallet) => tokenOf(wallet, both.here.provider)))
}, 300_000)

afterAll(() => both?.stop())

const codes = (replies: readonly Reply[]) => replies.map(({ code, status }) => code ?? status)

/** Long streams that the engine has begun. @returns how they ended */
async function start(which: readonly (0 | 1)[], token: string, change = {}): Promise<Promise<Reply>[]> {
  both.scripted.delayMs = 100
  const before = both.scripted.requests.length
  const replies = which.map((one) => both.ask(one, token, { stream: true, max_tokens: 300, ...change }))
  await expect.poll(() => both.scripted.requests.length, { timeout: 40_000 }).toBe(before + which.length)
  return replies
}

/** Lets running streams end quickly. */
async function finish(replies: readonly Promise<Reply>[]): Promise<void> {
  both.scripted.delayMs = 0
  expect(codes(await Promise.all(replies))).toEqual(replies.map(() => 200))
  await both.idle()
}

const eventually = (act: () => Promise<Reply>) =>
  expect.poll(async () => codes([await act()])[0], { timeout: 40_000, interval: 200 })

describe('two brokers on one database', () => {
  it('run no more requests of a user than one may', async () => {
    const running = await start([0, 0, 1], tokens[0]!)
    expect(codes([await both.ask(0, tokens[0]!), await both.ask(1, tokens[0]!)])).toEqual([
      'concurrency',
      'concurrency',
    ])
    await finish(running)
    await eventually(() => both.ask(1, tokens[0]!)).toBe(200)
    const atOnce = await Promise.all(
      Array.from({ length: 12 }, (_, n) => both.ask(n % 2 ? 1 : 0, tokens[0]!)),
    )
    expect(codes(atOnce)).toContain(200)
    await both.idle()
  })

  it('take no more requests of a minute than one may, and say how many are left', async () => {
    const startedAt = Date.now()
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, n) => both.ask(n % 2 ? 1 : 0, tokens[1]!)),
    )
    const served = replies.filter(({ status }) => status === 200)
    const refilled = ((Date.now() - startedAt) / 60_000) * 5
    expect(served.length).toBeGreaterThanOrEqual(5)
    expect(served.length).toBeLessThanOrEqual(5 + refilled)
    expect(new Set(codes(replies))).toEqual(new Set([200, 'rate_limit']))
    const left = served.map(({ headers }) => Number(headers.get('x-ratelimit-remaining-requests')))
    expect(Math.min(...left)).toBe(0)
  })

  it('count the tokens of a minute together', async () => {
    expect((await both.ask(0, tokens[2]!, { max_tokens: 1000 })).status).toBe(200)
    await eventually(() => both.ask(1, tokens[2]!)).toBe('tpm_limit')
  })

  it('hold no more tokens, and no more requests, than one may', async () => {
    const wide = await start([0], tokens[4]!, { max_tokens: 2000 })
    expect(codes([await both.ask(1, tokens[4]!, { max_tokens: 2000 })])).toEqual(['token_budget'])
    await finish(wide)
    const full = await start([0, 0, 0, 1, 1, 1], tokens[4]!, { max_tokens: 200 })
    expect(codes([await both.ask(0, tokens[4]!), await both.ask(1, tokens[4]!)])).toEqual([
      'global_concurrency',
      'global_concurrency',
    ])
    await finish(full)
  })

  it('of which one is killed: what it held is taken for now, and free after its lease', {
    timeout: 300_000,
  }, async () => {
    const cut = Promise.allSettled(await start([1, 1], tokens[3]!))
    expect(codes([await both.ask(0, tokens[3]!)])).toEqual(['concurrency'])
    await both.there.kill()
    // Far within its lease: it showed itself a moment ago.
    expect(codes([await both.ask(0, tokens[3]!)])).toEqual(['concurrency'])
    await eventually(() => both.ask(0, tokens[3]!)).toBe(200)
    await Promise.all([both.there.ready, cut])
    expect((await both.ask(1, tokens[3]!)).status).toBe(200)
  })
})

describe('a key with a limit, on two brokers', () => {
  /** While the counter is locked every charge waits. */
  async function withoutCharges(act: () => Promise<void>): Promise<void> {
    const pool = loadPg(both.database, 1)
    const session = await pool.connect()
    await session.query('BEGIN')
    await session.query('SET LOCAL idle_in_transaction_session_timeout = 0')
    await session.query('SELECT * FROM counters FOR UPDATE')
    try {
      await act()
    } finally {
      await session.query('ROLLBACK')
      session.release()
      await pool.end()
    }
  }

  const limited = (wallet: HDNodeWallet, change: Partial<SessionClaims>) => {
    const { chainId, inference } = both.world.network
    return tokenOf(wallet, both.here.provider, {
      ...{ tokenId: 3, expiresAt: 0, chainId, contract: inference },
      ...change,
    })
  }

  it('cannot spend at one what the other has delivered and not charged yet, when its client has left', async () => {
    const wide = { stream: true, max_tokens: 300 }
    const tiny = await limited(wallets[4]!, { limit: '1', limitPer: 'total', nonce: 'tiny' })
    const needed = BigInt((await both.ask(0, tiny, wide)).details!.needed!)
    const limit = `${(needed * 3n) / 2n}`
    const key = await limited(wallets[4]!, { limit, limitPer: 'total', nonce: 'wide' })
    both.scripted.delayMs = 100
    const { aborted } = both.scripted
    await withoutCharges(async () => {
      const client = new AbortController()
      const { body } = await fetch(both.urls[0] + CHAT, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}` },
        body: JSON.stringify({ ...wide, model: 'steady', messages: [{ role: 'user', content: 'hi' }] }),
        signal: client.signal,
      })
      await body!.getReader().read()
      client.abort()
      await expect.poll(() => both.scripted.aborted, { timeout: 40_000 }).toBe(aborted + 1)
      for (let again = 0; again < 10; again++)
        expect(codes([await both.ask(1, key, wide)])).toEqual(['key_limit_reached'])
    })
    // What was delivered is a part of it: once that is charged, the rest is free.
    await eventually(() => both.ask(1, key)).toBe(200)
    both.scripted.delayMs = 0
  })

  it('never spends more than that, however many ask at once, one is killed, and both count on', {
    timeout: 300_000,
  }, async () => {
    const limit = 10n ** 12n
    const key = await limited(wallets[4]!, { limit: `${limit}`, limitPer: 'total' })
    const id = tokenHash(parseToken(key)!.message)
    const spent = async () => {
      const url = `${both.here.url}/v1/user/${wallets[4]!.address}/keys`
      const { keys } = await (await fetch(url, { headers: { authorization: `Bearer ${key}` } })).json()
      return BigInt(keys.find((one: { id: string }) => one.id === id)?.spent ?? 0)
    }
    const refused = (reply: Reply) => reply.code === 'key_limit_reached'
    for (let round = 0; round < 40; round++) {
      const asked = Promise.allSettled(
        Array.from({ length: 6 }, (_, n) => both.ask(n % 2 ? 1 : 0, key, { max_tokens: 20 })),
      )
      if (round === 2) {
        await both.there.kill()
        await both.there.ready
      }
      const replies = await asked
      expect(await spent()).toBeLessThanOrEqual(limit)
      if (replies.every((reply) => reply.status === 'fulfilled' && refused(reply.value))) break
    }
    // What the dead one had set aside may be spent after its lease.
    for (const which of [0, 1] as const) {
      await expect
        .poll(
          async () => {
            const { status, code, details } = await both.ask(which, key, { max_tokens: 20 })
            const left = limit - (await spent())
            const isExact = details?.remaining === `${left}` && BigInt(details.needed!) > left
            return [status, code, isExact]
          },
          { timeout: 40_000, interval: 100 },
        )
        .toEqual([402, 'key_limit_reached', true])
    }
    expect(await spent()).toBeLessThanOrEqual(limit)
    // The account can pay: another key of it goes on.
    expect((await both.ask(1, tokens[4]!)).status).toBe(200)
  })
})

describe('a revocation', () => {
  it('that one broker has seen holds at one whose chain node is behind', async () => {
    const rpc = new JsonRpcProvider(both.world.network.rpcUrls[0], both.world.network.chainId, {
      staticNetwork: true,
      batchMaxCount: 1,
      cacheTimeout: -1,
    })
    let behind: string | null = null
    const send = rpc.send.bind(rpc)
    rpc.send = (method, params) =>
      send(
        method,
        JSON.parse(JSON.stringify(params).replaceAll('"latest"', JSON.stringify(behind ?? 'latest'))),
      )
    const late = await both.another({ rpc, dataDir: join(both.world.dir, 'late') })
    const ask = async (token: string) => {
      const response = await fetch(`${late.url}/v1/proxy/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ model: 'steady', messages: [{ role: 'user', content: 'hi' }], max_tokens: 4 }),
      })
      const { error } = await response.json()
      return error?.code ?? response.status
    }
    const wallet = wallets[4]!
    const [key, other] = await Promise.all([
      tokenOf(wallet, both.here.provider, { tokenId: 7, expiresAt: 0 }),
      tokenOf(wallet, both.here.provider, { tokenId: 8, expiresAt: 0 }),
    ])
    expect([await ask(key), await ask(other)]).toEqual([200, 200])
    behind = `0x${(await rpc.getBlockNumber()).toString(16)}`
    const serving = both.world.inference.connect(wallet) as Contract
    await (await serving.getFunction('revokeToken')(both.here.provider as Address, 7)).wait()
    await expect.poll(() => ask(key), { timeout: 40_000, interval: 100 }).toBe('token_revoked')
    expect(await ask(other)).toBe(200)
    rpc.destroy()
  })
})
