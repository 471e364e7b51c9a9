import { Wallet } from 'ethers'
import { describe, expect, it } from 'vitest'
import type { Address } from '../../../src/base/hex.ts'
import { type Abilities, abilitiesIn, NO_ABILITIES } from '../../../src/client/capabilities/abilities.ts'
import { memoryCapabilityStore } from '../../../src/client/capabilities/capabilityStore.ts'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'
import type { BuyerSession } from '../../../src/client/session.ts'
import { SessionTokens } from '../../../src/client/tokens.ts'
import { isSignedByOwner, parseToken } from '../../../src/protocol/sessionToken.ts'
import { capabilitiesDocument } from '../../../src/provider/server/documents.ts'

const wallet = Wallet.createRandom()
const PROVIDER: Address = `0x${'11'.repeat(20)}`
const CONTRACT: Address = `0x${'22'.repeat(20)}`

function tokensAt(now: () => number = Date.now): SessionTokens {
  const account = { address: wallet.address as Address, signer: () => wallet }
  const network = { chainId: 31337, inference: CONTRACT }
  const runtime = { ...nodeRuntime(), now }
  const connected = async () => ({ rpc: null })
  const session = { network, account, runtime, connected, capabilities: memoryCapabilityStore() }
  return new SessionTokens(session as unknown as BuyerSession)
}

const headersOf = async (tokens: SessionTokens, abilities: Abilities, generation = 0) =>
  (await tokens.get(PROVIDER, generation, abilities)).headersFor({ method: 'GET', path: '/' })
const parsed = ({ authorization }: Record<string, string>) =>
  parseToken(authorization!.replace('Bearer ', ''))!

const OURS = abilitiesIn(JSON.stringify(capabilitiesDocument({ encryption: null }, [])))

describe('tokens of the client', () => {
  it('are of the deployed format, and not signed, for brokers that say nothing', async () => {
    const tokens = tokensAt()
    expect((await tokens.get(PROVIDER, 0, NO_ABILITIES)).auth).toBe('bearer')
    const headers = await headersOf(tokens, NO_ABILITIES)
    expect(Object.keys(headers)).toEqual(['authorization'])
    const token = parsed(headers)
    const deployed = ['address', 'provider', 'timestamp', 'expiresAt', 'nonce', 'generation', 'tokenId']
    expect(Object.keys(JSON.parse(token.message))).toEqual(deployed)
    expect(isSignedByOwner(token)).toBe(true)
  })

  it('are bound to a key of this process where brokers know that', async () => {
    const tokens = tokensAt()
    const [first, second] = [await headersOf(tokens, OURS), await headersOf(tokens, OURS)]
    expect(first.authorization).toBe(second.authorization)
    expect(first['zg-request-signature']).not.toBe(second['zg-request-signature'])
    const token = parsed(first)
    expect(isSignedByOwner(token)).toBe(true)
    expect(token.claims).toMatchObject({ chainId: 31337, contract: CONTRACT, provider: PROVIDER })
    const others = parsed(await headersOf(tokensAt(), OURS))
    expect(others.claims.sessionKey).not.toBe(token.claims.sessionKey)
  })

  it('are made anew for another generation, another kind of broker, and before they expire', async () => {
    let now = Date.now()
    const tokens = tokensAt(() => now)
    const seen = new Set<string>()
    const ask = async (abilities: Abilities, generation = 0) =>
      void seen.add((await headersOf(tokens, abilities, generation)).authorization!)
    await ask(NO_ABILITIES)
    await ask(OURS)
    await ask(OURS)
    expect(seen.size).toBe(2)
    await ask(OURS, 1)
    now += 56 * 60_000
    await ask(OURS, 1)
    tokens.forget(PROVIDER)
    await ask(OURS, 1)
    expect(seen.size).toBe(5)
  })

  it('are made anew for an answer that took longer than they last', async () => {
    let now = Date.now()
    const tokens = tokensAt(() => now)
    const latest = async () =>
      parsed((await tokens.latest(PROVIDER, OURS)).headersFor({ method: 'GET', path: '/' }))
    const first = parsed(await headersOf(tokens, OURS, 3))
    expect(await latest()).toEqual(first)
    now += 61 * 60_000
    const next = (await latest()).claims
    expect(next.generation).toBe(3)
    expect(next.expiresAt).toBeGreaterThan(now)
  })
})

describe('what a broker says that it can do', () => {
  it('is read with nothing assumed', () => {
    expect(OURS).toEqual({
      ...{ signedRequests: true, tokenDomain: true, keyLimits: true },
      ...{ sealedRequests: false, sealsMore: false },
    })
    const keys = { publicKey: new Uint8Array(32), privateKey: new Uint8Array(32) }
    const sealing = abilitiesIn(JSON.stringify(capabilitiesDocument({ encryption: keys }, [])))
    expect([sealing.sealedRequests, sealing.sealsMore]).toEqual([true, true])
    expect(abilitiesIn(null)).toEqual(NO_ABILITIES)
    const none = { ...NO_ABILITIES, sealedRequests: false }
    for (const text of ['', '[]', '1', '{"signedRequests":"1","tokenDomain":0,"e2ee":null}'])
      expect(abilitiesIn(text)).toEqual(none)
  })
})
