import { createHash } from 'node:crypto'
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BUILT_IN_NETWORKS, type NetworkProfile } from '../../../src/chain/networks.ts'
import { openSimulatedTee } from '../../../src/provider/tee/simulated.ts'
import type { TdxEvent } from '../../../src/provider/tee/tdxQuote.ts'
import { freshFolder } from '../../support/ledger.ts'

const devnet: NetworkProfile = {
  ...BUILT_IN_NETWORKS[0]!,
  name: 'devnet',
  kind: 'devnet',
  chainId: 31337,
  rpcUrls: ['http://127.0.0.1:8545'],
}

let dir: string
beforeEach(() => {
  dir = freshFolder()
})
afterEach(() => rmSync(dir, { recursive: true }))

const open = (network = devnet, url?: string) =>
  openSimulatedTee({ dir, network, ...(url !== undefined && { url }) })

describe('the simulated TEE', () => {
  it('keeps its key, in a file that only its owner reads', async () => {
    const first = open()
    expect(open().signer).toBe(first.signer)
    expect(await open().quote()).toEqual(await first.quote())
    const [file, ...others] = readdirSync(dir)
    expect(others).toEqual([])
    expect(statSync(join(dir, file!)).mode & 0o777).toBe(0o600)
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

  it('refuses a damaged key', () => {
    open()
    writeFileSync(join(dir, readdirSync(dir)[0]!), 'nonsense')
    expect(() => open()).toThrow(expect.objectContaining({ code: 'tee_key_invalid' }))
  })
})

describe('its document', () => {
  const read = async () => {
    const tee = open()
    const { body, digest } = await tee.quote()
    expect(digest).toBe(createHash('sha256').update(body).digest('hex'))
    const json = JSON.parse(body) as Record<string, string>
    return {
      tee,
      json,
      quote: Buffer.from(json.quote!, 'hex'),
      events: JSON.parse(json.event_log!) as TdxEvent[],
      tcb: JSON.parse(json.tcb_info!) as Record<string, string>,
    }
  }

  it('names the signer in the report data, at its place in a TDX v4 quote', async () => {
    const { tee, json, quote } = await read()
    expect(quote.readUInt16LE(0)).toBe(4)
    expect(quote.readUInt32LE(4)).toBe(0x81)
    const expected = Buffer.alloc(64)
    expected.write(tee.signer)
    expect(quote.subarray(568, 632)).toEqual(expected)
    expect(Buffer.from(json.report_data!, 'base64')).toEqual(expected)
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

  it('measures the app that it names, and says that it is simulated', async () => {
    const { quote, events, tcb } = await read()
    const hash = createHash('sha256').update(tcb.app_compose!).digest('hex')
    expect(events.find(({ event }) => event === 'compose-hash')!.event_payload).toBe(hash)
    expect(quote.subarray(233, 265).toString('hex')).toBe(hash)
    expect(quote.subarray(636).toString()).toContain('simulated')
  })
})
