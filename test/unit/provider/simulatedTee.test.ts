import { createHash } from 'node:crypto'
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { QuoteVerifier } from '@phala/dcap-qvl'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BUILT_IN_NETWORKS, type NetworkProfile } from '../../../src/chain/networks.ts'
import type { TdxEvent } from '../../../src/provider/tee/simulated/events.ts'
import { openSimulatedTee, simulatedTeeTrust } from '../../../src/provider/tee/simulated.ts'
import { freshFolder } from '../../support/ledger.ts'

const devnet: NetworkProfile = {
  ...BUILT_IN_NETWORKS[0]!,
  name: 'devnet',
  kind: 'devnet',
  chainId: 31337,
  rpcUrls: ['http://127.0.0.1:8545'],
}

const REPORT_DATA = createHash('sha512').update('report data').digest()

let dir: string
beforeEach(() => {
  dir = freshFolder()
})
afterEach(() => rmSync(dir, { recursive: true }))

const open = (network = devnet, url?: string) =>
  openSimulatedTee({ dir, network, ...(url !== undefined && { url }) })

describe('the simulated TEE', () => {
  it('keeps keys and authority, in a file that only its owner reads', () => {
    const first = open()
    const second = open()
    expect(second.signer).toBe(first.signer)
    expect(second.trust).toEqual(first.trust)
    expect(second.encryption).toEqual(first.encryption)
    expect(simulatedTeeTrust(dir)).toEqual(first.trust)
    const [file, ...others] = readdirSync(dir)
    expect(others).toEqual([])
    expect(statSync(join(dir, file!)).mode & 0o777).toBe(0o600)
  })

  it('has a root of its own in every folder', () => {
    const other = freshFolder()
    expect(simulatedTeeTrust(other).root).not.toBe(open().trust.root)
    rmSync(other, { recursive: true })
  })

  it('is refused wherever it could be taken for more than it is', () => {
    const elsewhere: NetworkProfile[] = [
      ...BUILT_IN_NETWORKS,
      { ...devnet, chainId: 16661 },
      { ...devnet, kind: 'custom' },
      { ...devnet, rpcUrls: ['https://rpc.example'] },
    ]
    for (const network of elsewhere) {
      expect(() => open(network)).toThrow(expect.objectContaining({ code: 'tee_simulated_refused' }))
    }
    expect(() => open(devnet, 'https://provider.example')).toThrow(
      expect.objectContaining({ code: 'tee_simulated_refused' }),
    )
    expect(readdirSync(dir)).toEqual([])
  })

  it.each(['nonsense', '{}', '{"v":1,"signerKey":"ab","authority":{}}', '{"v":2}'])(
    'refuses the damaged file %s',
    (text) => {
      open()
      writeFileSync(join(dir, readdirSync(dir)[0]!), text)
      expect(() => open()).toThrow(expect.objectContaining({ code: 'tee_key_invalid' }))
    },
  )
})

describe('its evidence', () => {
  const read = async () => {
    const tee = open()
    const { quote, eventLog, tcbInfo, collateral } = await tee.quote(REPORT_DATA)
    return {
      tee,
      quote: Buffer.from(quote),
      collateral,
      events: JSON.parse(eventLog) as TdxEvent[],
      tcb: JSON.parse(tcbInfo) as Record<string, string>,
    }
  }

  it("is a genuine TDX quote under the devnet's root, by @phala/dcap-qvl alone", async () => {
    const { tee, quote, collateral } = await read()
    const verifier = QuoteVerifier.newWithRootCa(Buffer.from(tee.trust.root, 'base64'))
    const { status, report } = verifier.verify(quote, collateral as never, Math.floor(Date.now() / 1000))
    expect(status).toBe('UpToDate')
    expect(Buffer.from(report.asTd10()!.reportData)).toEqual(REPORT_DATA)
    expect(() =>
      QuoteVerifier.newProd().verify(quote, collateral as never, Math.floor(Date.now() / 1000)),
    ).toThrow()
  })

  it('has the report data at its place in a TDX v4 quote', async () => {
    const { quote } = await read()
    expect(quote.readUInt16LE(0)).toBe(4)
    expect(quote.readUInt32LE(4)).toBe(0x81)
    expect(quote.subarray(568, 632)).toEqual(REPORT_DATA)
  })

  it('has registers that replay from its event log, with the digests of dstack', async () => {
    const { quote, events, tcb } = await read()
    for (let imr = 0; imr < 4; imr++) {
      let register = Buffer.alloc(48)
      for (const event of events.filter((candidate) => candidate.imr === imr)) {
        register = createHash('sha384').update(register).update(Buffer.from(event.digest, 'hex')).digest()
      }
      const start = 376 + 48 * imr
      expect(quote.subarray(start, start + 48)).toEqual(register)
      expect(tcb[`rtmr${imr}`]).toBe(register.toString('hex'))
    }
    for (const { imr, event, event_payload, digest } of events) {
      if (imr !== 3) continue
      const measured = Buffer.concat([
        Buffer.from('01000008', 'hex'),
        Buffer.from(`:${event}:`),
        Buffer.from(event_payload, 'hex'),
      ])
      expect(digest).toBe(createHash('sha384').update(measured).digest('hex'))
    }
  })

  it('measures the app that it names', async () => {
    const { quote, events, tcb } = await read()
    const hash = createHash('sha256').update(tcb.app_compose!).digest('hex')
    expect(events.find(({ event }) => event === 'compose-hash')!.event_payload).toBe(hash)
    expect(quote.subarray(233, 265).toString('hex')).toBe(hash)
  })
})
