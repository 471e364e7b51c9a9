import { sha256 } from 'ethers'
import { describe, expect, it } from 'vitest'
import { expectedSigners } from '../../../src/attestation/signers.ts'
import { firstFailure, StepList } from '../../../src/attestation/verdict.ts'
import { verifyProvider } from '../../../src/attestation/verifyProvider.ts'
import { builtInNetwork, type NetworkProfile } from '../../../src/chain/networks.ts'
import { bindingDigest } from '../../../src/protocol/quoteBinding.ts'
import {
  NONCE,
  OTHER_SIGNER as OTHER,
  type SceneChanges,
  SIGNER,
  scene,
} from '../../attestation/support/scene.ts'

const verify = (changes: SceneChanges = {}) => {
  const { given, options } = scene(changes)
  return verifyProvider(given, options)
}

describe('verifyProvider', () => {
  it('accepts simulated evidence on a devnet of this machine, and says so', async () => {
    const { given, options } = scene()
    const verdict = await verifyProvider(given, options)
    const { binding } = JSON.parse(given.document!) as { binding: string }
    expect([verdict.outcome, verdict.assurance]).toEqual(['accepted', 'simulated'])
    expect(verdict.evidence).toBe(bindingDigest(binding))
    expect(verdict.binding?.signer).toBe(SIGNER)
    expect(verdict.encryptionKey).toBe(verdict.binding?.encryptionKey)
  })

  it.each<[string, SceneChanges]>([
    ['on another chain', { network: { chainId: 16602 } }],
    ['on a network that only calls itself custom', { network: { kind: 'custom' } }],
    ['with an RPC elsewhere', { network: { rpcUrls: ['http://10.0.0.1:8545'] } }],
    ['with a provider elsewhere', { service: { url: 'http://10.0.0.1:3080' } }],
    ['on the live network', { network: builtInNetwork('mainnet') as Partial<NetworkProfile> }],
  ])('rejects it %s', async (_case, changes) => {
    const verdict = await verify(changes)
    expect([verdict.outcome, verdict.assurance]).toEqual(['rejected', 'none'])
    expect(firstFailure(verdict)?.name).toBe('certificate-chain')
  })

  it('names the document where the deployed layout has no binding, and calls it replayable', async () => {
    const { given, options } = scene({ layout: 'ascii' })
    const verdict = await verifyProvider(given, options)
    expect([verdict.outcome, verdict.assurance]).toEqual(['incomplete', 'simulated'])
    expect(verdict.evidence).toBe(sha256(Buffer.from(given.document!)).slice(2))
    expect(verdict.steps.find(({ name }) => name === 'freshness')).toMatchObject({
      result: 'skipped',
      detail: expect.stringContaining('replayable'),
    })
  })

  it('takes the encryption key of the sealed layout', async () => {
    const verdict = await verify({ layout: 'sealed' })
    expect(verdict.outcome).toBe('incomplete')
    expect(verdict.encryptionKey).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each<[string, SceneChanges]>([
    ['freshness', { given: { nonce: null } }],
    ['quote-signature', { collateral: null }],
    ['certificate-chain', { collateral: null }],
    ['capabilities', { given: { capabilities: null } }],
    ['gpu-evidence', { gpu: true, nvidia: null, options: { nvidia: null } }],
    ['gpu-evidence', { gpu: true, nvidia: { unreachable: true } }],
    ['tls-key', { binding: { tlsSpki: 'ab'.repeat(32) } }],
    ['images-pinned', { appCompose: '{"docker_compose_file":"image: a:1"}', policy: { apps: 'any' } }],
    ['model-digest', { layout: 'model', policy: { modelDigest: 'report' } }],
  ])('is incomplete where %s cannot be told', async (step, changes) => {
    const verdict = await verify(changes)
    expect(verdict.outcome).toBe('incomplete')
    expect(verdict.steps.find(({ name }) => name === step)?.result).toBe('skipped')
  })

  it('trusts no hardware elsewhere because a devnet is up: its machine counts for simulated evidence alone', async () => {
    const { given, options } = scene()
    const root = Buffer.from(given.network.simulatedTee!.root, 'base64')
    const network = { ...given.network, kind: 'custom' as const }
    const verdict = await verifyProvider({ ...given, network }, { ...options, root })
    expect([verdict.outcome, verdict.assurance]).toEqual(['incomplete', 'tdx'])
    expect(verdict.steps.filter(({ result }) => result === 'skipped').map(({ name }) => name)).toEqual(
      expect.arrayContaining(['os-image', 'app']),
    )
  })

  it('takes collateral that is passed in, or fetches it where the document has none', async () => {
    const { collateral } = JSON.parse(scene().given.document!) as { collateral: never }
    const fetched = await verify({ collateral: null, options: { fetchCollateral: async () => collateral } })
    const passed = await verify({ collateral: null, options: { collateral } })
    const failed = await verify({
      collateral: null,
      options: { fetchCollateral: () => Promise.reject(new Error()) },
    })
    expect([fetched.outcome, passed.outcome, failed.outcome]).toEqual(['accepted', 'accepted', 'incomplete'])
  })

  it('is incomplete where there is no evidence', async () => {
    const verdict = await verify({ given: { document: null } })
    expect([verdict.outcome, verdict.assurance, verdict.evidence]).toEqual(['incomplete', 'none', null])
  })

  it('is rejected where there is no evidence any more, and capabilities were seen', async () => {
    const verdict = await verify({
      given: { document: null, capabilities: null, seenCapabilities: '{"v":1}' },
    })
    expect([verdict.outcome, firstFailure(verdict)?.name]).toEqual(['rejected', 'capabilities'])
  })

  it('asks NVIDIA with the payload as it came', async () => {
    const asked: string[] = []
    const { given, options } = scene({ layout: 'model', gpu: true })
    const nvidia = {
      keys: options.nvidia!.keys,
      attest: (payload: string) => {
        asked.push(payload)
        return options.nvidia!.attest(payload)
      },
    }
    expect((await verifyProvider(given, { ...options, nvidia })).outcome).toBe('accepted')
    expect(asked).toEqual([(JSON.parse(given.document!) as { nvidia_payload: string }).nvidia_payload])
    expect((JSON.parse(asked[0]!) as { nonce: string }).nonce).toBe(NONCE)
  })
})

describe('StepList', () => {
  it('quotes nobody who could write to a terminal', () => {
    const steps = new StepList()
    steps.check('a', false, 'one', '\u001b[2Jtwo\nthree\u202efour\u2028five')
    steps.missing('b', 'x'.repeat(10_000))
    const [first, second] = steps.verdict('none').steps
    expect(first!.detail).toBe('one: ?[2Jtwo?three?four?five')
    expect(second!.detail.length).toBeLessThan(600)
  })

  it('keeps the worse result of a step, and what failed first', () => {
    const steps = new StepList()
    steps.check('a', false, 'first')
    steps.check('a', true, 'second')
    steps.check('a', false, 'third')
    steps.check('b', true, 'fine')
    steps.missing('b', 'not known')
    expect(steps.verdict('none').steps).toEqual([
      { name: 'a', result: 'fail', detail: 'first' },
      { name: 'b', result: 'skipped', detail: 'not known' },
    ])
  })
})

describe('expectedSigners', () => {
  const withInfo = (info: object | string) =>
    expectedSigners({
      ...scene().given.service,
      additionalInfo: typeof info === 'string' ? info : JSON.stringify(info),
    }).text

  it('takes the text from the separate enclave of a decentralised provider only', () => {
    expect(withInfo({ TargetSeparated: true, TargetTeeAddress: OTHER })).toBe(OTHER)
    expect(withInfo({ TargetSeparated: true, ProviderType: 'centralized', TargetTeeAddress: OTHER })).toBe(
      SIGNER,
    )
    expect(withInfo({ TargetSeparated: false, TargetTeeAddress: OTHER })).toBe(SIGNER)
    expect(withInfo({ TargetSeparated: true, TargetTeeAddress: 'nobody' })).toBe(SIGNER)
    expect(withInfo('not JSON')).toBe(SIGNER)
    expect(withInfo('null')).toBe(SIGNER)
  })
})
