import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Contract, HDNodeWallet } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Address, bytesToHex, hexToBytes } from '../../../src/base/hex.ts'
import { findService } from '../../../src/chain/inference.ts'
import { pathsOf } from '../../../src/cli/framework/paths.ts'
import { fileCapabilityStore } from '../../../src/client/capabilities/fileCapabilityStore.ts'
import { addressOf } from '../../../src/protocol/signature.ts'
import type { Broker } from '../../../src/provider/broker.ts'
import { type CliResult, runCli } from '../../support/cli.ts'
import { openTamperedShop, type TamperedShop } from '../../support/shop.ts'
import type { TamperProxy } from '../../support/tamperProxy.ts'
import type { World } from '../../support/world.ts'

let shop: TamperedShop
let world: World
let broker: Broker
let host: TamperProxy
let env: Record<string, string>
let file: TamperedShop['file']

beforeAll(async () => {
  shop = await openTamperedShop()
  ;({ world, broker, host, env, file } = shop)
})

afterEach(() => {
  host.tampering = null
})

afterAll(() => shop?.stop())

const verify = (subject: string, ...more: string[]): Promise<CliResult> =>
  runCli(['provider', 'verify', subject, ...more], env)

interface Result {
  readonly verdict: string
  readonly failedStep: string | null
  readonly steps: readonly { readonly name: string; readonly result: string; readonly detail: string }[]
}
const read = ({ stdout }: CliResult): Result => JSON.parse(stdout)
const skippedOf = ({ steps }: Result) =>
  steps.filter(({ result }) => result === 'skipped').map(({ name }) => name)

describe('provider verify', { timeout: 300_000 }, () => {
  it('says each step and the verdict', async () => {
    const { code, stdout } = await verify(broker.provider)
    expect(code, stdout).toBe(0)
    expect(stdout).toMatch(/✓ quote-signature: .*\n/)
    expect(stdout).toMatch(/\nVerdict: accepted \(assurance: simulated\)\n$/)
    const json = await verify(broker.provider, '--json')
    expect(read(json)).toMatchObject({ verdict: 'accepted', assurance: 'simulated', failedStep: null })
  })

  it.each([
    ['requires what is not there', { tls: 'required' }, 10, 'rejected'],
    ['reports what is not there', { tls: 'report' }, 11, 'incomplete'],
    [
      'allows what is there',
      { $schema: 'policy.schema.json', apps: 'any', measurements: 'any' },
      0,
      'accepted',
    ],
  ])('follows a policy that %s', async (_what, policy, exit, outcome) => {
    const path = file(`policy-${exit}.json`, policy)
    const result = await verify(broker.provider, '--policy', path, '--json')
    expect([result.code, read(result).verdict]).toEqual([exit, outcome])
    const byEnvironment = await runCli(['provider', 'verify', broker.provider], { ...env, ZG_POLICY: path })
    expect(byEnvironment.code).toBe(exit)
  })

  it('accepts what is incomplete where that was asked for, and nothing that is rejected', async () => {
    const report = file('report.json', { tls: 'report' })
    const required = file('required.json', { tls: 'required' })
    const accept = ['--accept', 'incomplete']
    expect((await verify(broker.provider, '--policy', report, ...accept)).code).toBe(0)
    expect((await verify(broker.provider, '--policy', required, ...accept)).code).toBe(10)
    const other = await verify(broker.provider, '--accept', 'rejected', '--json')
    expect([other.code, JSON.parse(other.stdout).code]).toEqual([2, 'option_invalid'])
  })

  it.each([['{"tsl": "required"}'], ['[]'], ['{'], ['{"apps": ["x"]}']])(
    'refuses the policy %s',
    async (policy) => {
      const result = await verify(broker.provider, '--policy', file('broken.json', policy))
      expect(result.code).toBe(30)
      expect(result.stderr).toMatch(/^Error: [^\n]+\(policy_malformed\)\n.*\n +Try: 0g-compute help trust\n$/)
    },
  )
})

describe('saved evidence', { timeout: 300_000 }, () => {
  const path = () => join(world.dir, 'evidence.json')

  it('is judged again, without anybody', async () => {
    const saved = await verify(broker.provider, '--save', path())
    expect(saved.code, saved.stderr).toBe(0)
    expect(statSync(path()).mode & 0o777).toBe(0o600)
    const nobody = ['--offline', '--rpc', 'http://127.0.0.1:1']
    expect((await verify(path(), ...nobody, '--mine')).code).toBe(0)
    const stranger = await verify(path(), ...nobody, '--json')
    expect(stranger.code).toBe(11)
    expect(skippedOf(read(stranger))).toEqual(expect.arrayContaining(['chain', 'freshness']))
    expect((await verify(path(), ...nobody, '--accept', 'incomplete')).code).toBe(0)
    expect(skippedOf(read(await verify(path(), '--json')))).not.toContain('chain')
  })

  it('is never written over', async () => {
    const again = await verify(broker.provider, '--save', path(), '--json')
    expect([again.code, JSON.parse(again.stdout).code]).toEqual([2, 'file_exists'])
  })

  it('grows old', async () => {
    const later = new Date(Date.now() + 2 * 3_600_000).toISOString()
    const old = await verify(path(), '--offline', '--mine', '--at', later, '--json')
    expect([old.code, read(old).failedStep]).toEqual([10, 'age'])
    const patient = file('patient.json', { maxEvidenceAgeSeconds: 86_400 })
    expect((await verify(path(), '--offline', '--mine', '--at', later, '--policy', patient)).code).toBe(0)
    const never = await verify(path(), '--at', 'soon', '--json')
    expect([never.code, JSON.parse(never.stdout).code]).toEqual([2, 'option_invalid'])
  })

  it('is not that of another provider, signer or network', async () => {
    const saved = JSON.parse(readFileSync(path(), 'utf8'))
    const relayed = structuredClone(saved)
    relayed.evidence.service.teeSignerAddress = world.user.address
    const result = await verify(file('relayed.json', relayed), '--offline', '--mine', '--json')
    expect([result.code, read(result).failedStep]).toEqual([10, 'signer-on-chain'])
    const elsewhere = { ...saved, network: { ...saved.network, chainId: 1 } }
    const other = await verify(file('elsewhere.json', elsewhere), '--json')
    expect([other.code, JSON.parse(other.stdout).code]).toEqual([2, 'evidence_other_network'])
  })

  it('brings no keys of NVIDIA but for whoever wrote it, and no collateral that is not signed', async () => {
    const saved = JSON.parse(readFileSync(path(), 'utf8'))
    const document = JSON.parse(saved.evidence.document)
    const collateral = { ...document.collateral }
    delete document.collateral
    saved.evidence.document = JSON.stringify(document)
    const bare = file('bare.json', saved)
    const without = await verify(bare, '--offline', '--mine', '--json')
    expect([without.code, skippedOf(read(without)).includes('quote-signature')]).toEqual([11, true])
    const given = file('collateral.json', collateral)
    for (const source of [given, world.dir])
      expect((await verify(bare, '--offline', '--mine', '--collateral', source)).code).toBe(0)
    collateral.tcb_info = collateral.tcb_info.replace('UpToDate', 'OutOfDate')
    const forged = file('forged.json', collateral)
    expect((await verify(bare, '--offline', '--mine', '--collateral', forged)).code).toBe(10)
  })

  it('that cannot be read is exit 30 and one line, whatever its shape', async () => {
    const saved = JSON.parse(readFileSync(path(), 'utf8'))
    const quote = (change: (text: string) => string) => {
      const document = JSON.parse(saved.evidence.document)
      document.quote = change(document.quote)
      return { ...saved, evidence: { ...saved.evidence, document: JSON.stringify(document) } }
    }
    const evidence = (change: object) => ({ ...saved, evidence: { ...saved.evidence, ...change } })
    const shapes: unknown[] = [
      '',
      'null',
      '[]',
      '{',
      '{"v":1}',
      '\0\u001b[2J',
      saved.evidence.document,
      { ...saved, v: 2 },
      { ...saved, network: null },
      { ...saved, statements: [] },
      evidence({ document: 7 }),
      evidence({ document: '{}' }),
      evidence({ document: '[[[[' }),
      evidence({ nonce: 'x' }),
      evidence({ fetchedAt: -1 }),
      evidence({ models: [1] }),
      evidence({ service: {} }),
      evidence({ service: { ...saved.evidence.service, inputPrice: '1e9' } }),
      quote((text) => text.slice(0, 2000)),
      quote(() => 'zz'),
      quote((text) => `${text}${'00'.repeat(200_000)}`),
    ]
    for (const [index, shape] of shapes.entries()) {
      const bad = file(`shape-${index}.json`, shape)
      const text = await verify(bad, '--offline')
      const lines = text.stderr
        .trimEnd()
        .split('\n')
        .filter((line) => !line.startsWith('Using the devnet'))
      expect([index, text.code, lines.length, text.stdout]).toEqual([index, 30, 1, ''])
      expect(lines[0]).toMatch(/^Error: The evidence cannot be read: [\x20-\x7e…]+ \(evidence_malformed\)$/)
    }
  })
})

describe('what a host shows', { timeout: 300_000 }, () => {
  const answering = (path: string, answer: (url: URL) => Promise<string> | string) => {
    host.tampering = { document: (url) => (url.pathname === path ? answer(url) : null) }
  }

  it('is exit 30 and one line where it cannot be read, also when an answer is asked for', async () => {
    answering('/v1/quote', () => '{"quote":"0400"}')
    for (const args of [
      ['provider', 'verify', broker.provider],
      ['infer', 'hello', '--provider', broker.provider, '--model', 'steady', '--max-tokens', '3'],
    ]) {
      const { code, stderr, stdout } = await runCli([...args, '--quiet'], env)
      expect([code, stdout, stderr.trimEnd().split('\n').length]).toEqual([30, '', 1])
      expect(stderr).toContain('(evidence_malformed)')
    }
  })

  it('is rejected where the broker could do more before', async () => {
    const owner = { chainId: world.network.chainId, contract: world.network.inference }
    const store = fileCapabilityStore(pathsOf(env).state)
    await store.remember({ ...owner, provider: broker.provider }, JSON.stringify({ v: 1, flies: 1 }))
    const result = await verify(broker.provider, '--json')
    expect([result.code, read(result).failedStep]).toEqual([10, 'capabilities'])
    await store.remember({ ...owner, provider: broker.provider }, '{"v":1}')
  })

  it('is rejected where it is the quote of another call', async () => {
    const old = await (await fetch(`${host.target}/v1/quote?nonce=${'ab'.repeat(32)}`)).text()
    answering('/v1/quote', () => old)
    const result = await verify(broker.provider, '--json')
    expect([result.code, read(result).failedStep]).toEqual([10, 'freshness'])
  })
})

describe('a model server with a key of its own', { timeout: 300_000 }, () => {
  const key = createHash('sha256').update('model server').digest()
  const signer = addressOf(key)
  const report = async (nonce: string): Promise<string> => {
    const reportData = new Uint8Array(64)
    reportData.set(hexToBytes(signer))
    reportData.set(hexToBytes(nonce), 32)
    const { quote, eventLog, tcbInfo, vmConfig, collateral } = await world.tee.quote(reportData)
    return JSON.stringify({
      signing_address: signer,
      signing_algo: 'ecdsa',
      request_nonce: nonce,
      intel_quote: bytesToHex(quote),
      event_log: eventLog,
      info: { tcb_info: tcbInfo },
      vm_config: vmConfig,
      collateral,
    })
  }
  const showing = (answer: (nonce: string) => Promise<string>) => {
    host.tampering = {
      document: (url) =>
        url.pathname === '/v1/proxy/attestation/report' ? answer(url.searchParams.get('nonce')!) : null,
    }
  }

  beforeAll(async () => {
    const service = (await findService(world.inference, broker.provider))!
    const own = world.inference.connect(world.provider as HDNodeWallet) as Contract
    const { serviceType, url, model, verifiability, inputPrice, outputPrice, teeSignerAddress } = service
    const additionalInfo = JSON.stringify({ TargetSeparated: true, TargetTeeAddress: signer })
    const params = {
      serviceType,
      url,
      model,
      verifiability,
      inputPrice,
      outputPrice,
      teeSignerAddress: teeSignerAddress as Address,
      additionalInfo,
    }
    await (await own.getFunction('addOrUpdateService')(params)).wait()
    await world.acknowledge()
  })

  it('is verified with the same nonce', async () => {
    showing(report)
    const result = await verify(broker.provider, '--json')
    expect([result.code, result.stderr]).toEqual([0, expect.anything()])
    const names = read(result).steps.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['quote-signature', 'model-server/quote-signature']))
  })

  it('leaves the verdict incomplete where it shows nothing, or a report without our nonce', async () => {
    const silent = await verify(broker.provider, '--json')
    expect(silent.code).toBe(11)
    expect(read(silent).steps.at(-1)).toMatchObject({ name: 'model-server/evidence', result: 'skipped' })
    showing(() => report('cd'.repeat(32)))
    const replayed = await verify(broker.provider, '--json')
    expect([replayed.code, skippedOf(read(replayed)).includes('model-server/freshness')]).toEqual([11, true])
  })

  it('is rejected where its report names another key', async () => {
    showing(async (nonce) => (await report(nonce)).replace(signer, world.user.address))
    const result = await verify(broker.provider, '--json')
    expect([result.code, read(result).failedStep]).toEqual([10, 'model-server/report-data'])
  })
})
