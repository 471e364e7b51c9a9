import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkQuote } from '../../src/attestation/checkQuote.ts'
import { type Collateral, readCollateral } from '../../src/attestation/collateral.ts'
import { readEvidence } from '../../src/attestation/evidence.ts'
import { DEFAULT_POLICY } from '../../src/attestation/policy.ts'
import { reportLayout } from '../../src/attestation/reportData.ts'
import { parseTdxQuote } from '../../src/attestation/tdxQuote.ts'
import { firstFailure, StepList } from '../../src/attestation/verdict.ts'
import { verifyModelServer, verifyProvider } from '../../src/attestation/verifyProvider.ts'
import type { Address } from '../../src/base/hex.ts'
import { builtInNetwork } from '../../src/chain/networks.ts'
import { nvidiaStandIn } from './support/nvidiaStandIn.ts'
import { AUTHORITY, NOW, OTHER_NONCE, OTHER_SIGNER, scene } from './support/scene.ts'
import { flipped } from './vectors/vector.ts'

/** Real evidence, which is not part of this repository. */
const FOLDER = join(import.meta.dirname, '../../../shared/fixtures/attestation')
const isThere = existsSync(FOLDER)
if (!isThere) console.warn(`Skipped: real evidence is not there (${FOLDER})`)

const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8')

describe.skipIf(!isThere)("Intel's quote", () => {
  const quote = () => readFileSync(join(FOLDER, 'tdx-quote.bin'))
  const collateral = () => JSON.parse(read('tdx-quote-collateral.json')) as Record<string, string>
  const at = (
    time: string,
    changes: { quote?: Buffer; collateral?: Record<string, string>; root?: Uint8Array } = {},
  ) =>
    judge(
      changes.quote ?? quote(),
      readCollateral(changes.collateral ?? collateral()),
      Date.parse(time),
      changes.root,
    )

  async function judge(bytes: Uint8Array, given: Collateral, now: number, root?: Uint8Array) {
    const steps = new StepList()
    const roots = { simulated: null, ...(root && { tdx: root }) }
    const assurance = await checkQuote(steps, {
      quote: parseTdxQuote(bytes),
      collateral: given,
      roots,
      policy: DEFAULT_POLICY,
      now,
    })
    return { ...steps.verdict(assurance), assurance }
  }

  it.each(['2025-06-19T10:32:27Z', '2025-07-01T00:00:00Z', '2025-07-19T10:00:35Z'])(
    "is accepted under Intel's root at %s, inside the collateral's window",
    async (time) => {
      const verdict = await at(time)
      expect(verdict.steps.filter(({ result }) => result !== 'pass')).toEqual([])
      expect([verdict.outcome, verdict.assurance]).toEqual(['accepted', 'tdx'])
    },
  )

  it.each([
    '2025-06-19T10:00:00Z',
    '2025-06-01T00:00:00Z',
    '2025-07-19T10:32:28Z',
    '2025-08-01T00:00:00Z',
    '2026-11-22T00:00:00Z',
  ])('is rejected at %s, outside of it', async (time) => {
    const verdict = await at(time)
    expect([verdict.outcome, verdict.assurance]).toEqual(['rejected', 'none'])
    expect(['collateral', 'revocation']).toContain(firstFailure(verdict)?.name)
  })

  const INSIDE = '2025-07-01T00:00:00Z'

  it.each<[string, string, number]>([
    ['quote-signature', 'version of the quoting enclave', 8],
    ['quote-signature', 'mrtd', 184],
    ['quote-signature', 'RTMR3', 520],
    ['quote-signature', 'report data', 600],
    ['quote-signature', 'signature', 640],
    ['td-attributes', 'debug bit', 168],
  ])('fails at %s with a changed %s', async (step, _name, offset) => {
    const verdict = await at(INSIDE, { quote: flipped(quote(), offset) })
    expect(verdict.steps.filter(({ result }) => result === 'fail').map(({ name }) => name)).toContain(step)
    expect(verdict.assurance).toBe('none')
  })

  it.each<[string, string, (text: string) => string]>([
    [
      'collateral',
      'tcb_info',
      (text) => text.replace('"tcbEvaluationDataNumber":17', '"tcbEvaluationDataNumber":18'),
    ],
    ['collateral', 'qe_identity', (text) => text.replace('"isvsvn":4', '"isvsvn":3')],
    ['revocation', 'pck_crl', (text) => `${text.slice(0, -2)}00`],
    ['revocation', 'root_ca_crl', (text) => `${text.slice(0, -2)}00`],
  ])('fails at %s with a changed %s', async (step, field, change) => {
    const verdict = await at(INSIDE, {
      collateral: { ...collateral(), [field]: change(collateral()[field]!) },
    })
    expect(verdict.steps.filter(({ result }) => result === 'fail').map(({ name }) => name)).toContain(step)
  })

  it('is rejected under any other root', async () => {
    const verdict = await at(INSIDE, { root: AUTHORITY.root.certificate })
    expect(firstFailure(verdict)?.name).toBe('certificate-chain')
  })
})

describe.skipIf(!isThere).each([
  ['0g-broker-report.json', 'ascii', 0],
  ['0g-llm-report.json', 'model', 1],
] as const)('the report %s of the live network', (file, layout, gpus) => {
  const network = builtInNetwork('testnet')
  const given = (document: string) => {
    const signer = reportLayout(readEvidence(read(file)).quote.report.reportData)!.signer
    return {
      ...scene().given,
      network,
      document,
      service: { ...scene().given.service, url: 'https://broker.example', teeSignerAddress: signer },
    }
  }

  it('is parsed, replayed and bound, and incomplete for want of collateral', async () => {
    const verdict = await verifyProvider({ ...given(read(file)), nonce: null, models: null }, {})
    const passed = verdict.steps.filter(({ result }) => result === 'pass').map(({ name }) => name)
    expect([verdict.outcome, verdict.assurance]).toEqual(['incomplete', 'none'])
    expect(passed).toEqual(
      expect.arrayContaining([
        'report-data',
        'signer-on-chain',
        'event-log',
        'compose-hash',
        'td-attributes',
      ]),
    )
    expect(verdict.steps.find(({ name }) => name === 'quote-signature')?.result).toBe('skipped')
    const images = verdict.steps.find(({ name }) => name === 'images-pinned')
    expect([images?.result, images?.detail]).toEqual([
      'skipped',
      expect.stringContaining('not fixed by the compose hash'),
    ])
  })

  it(`has the layout ${layout} and ${gpus} GPUs, whose nonce is in the quote`, () => {
    const evidence = readEvidence(read(file))
    expect(reportLayout(evidence.quote.report.reportData)?.kind).toBe(layout)
    expect(evidence.gpu?.devices.map(({ nonce }) => nonce) ?? []).toEqual(gpus ? [evidence.statedNonce] : [])
  })

  it.each<[string, (fields: Record<string, unknown>) => Record<string, unknown>]>([
    [
      'event-log',
      (fields) => ({ ...fields, event_log: String(fields.event_log).replace('"imr":2', '"imr":1') }),
    ],
    [
      'event-log',
      (fields) => ({
        ...fields,
        event_log: String(fields.event_log).replace('"event":"app-id"', '"event":"app-ie"'),
      }),
    ],
    ['compose-hash', (fields) => changeCompose(fields)],
    ['os-image', (fields) => ({ ...fields, vm_config: JSON.stringify({ os_image_hash: OTHER_NONCE }) })],
    ['report-data', (fields) => ({ ...fields, report_data: Buffer.alloc(64).toString('base64') })],
  ])('fails at %s when changed', async (step, change) => {
    const document = JSON.stringify(change(JSON.parse(read(file)) as Record<string, unknown>))
    const verdict = await verifyProvider({ ...given(document), nonce: null })
    expect(verdict.steps.filter(({ result }) => result === 'fail').map(({ name }) => name)).toContain(step)
  })

  it('is no evidence for another signer', async () => {
    const document = read(file)
    const verdict = await verifyModelServer({ ...given(document), document, signer: OTHER_SIGNER as Address })
    expect(verdict.steps.find(({ name }) => name === 'signer-on-chain')?.result).toBe('fail')
  })
})

describe.skipIf(!isThere)("the model server's GPU", () => {
  const given = (document: string, nonce: string | null) => ({
    ...scene().given,
    network: builtInNetwork('testnet'),
    document,
    nonce,
    signer: reportLayout(readEvidence(document).quote.report.reportData)!.signer,
  })

  it("is bound to the quote, and accepted on NVIDIA's word", async () => {
    const document = read('0g-llm-report.json')
    const { request_nonce: nonce } = JSON.parse(document) as { request_nonce: string }
    const verdict = await verifyModelServer(given(document, nonce), { nvidia: nvidiaStandIn(NOW) })
    const results = Object.fromEntries(verdict.steps.map(({ name, result }) => [name, result]))
    expect(results).toMatchObject({ 'gpu-evidence': 'pass', freshness: 'pass' })
  })

  it('is rejected when its evidence was relayed, and when the nonce is of another call', async () => {
    const fields = JSON.parse(read('0g-llm-report.json')) as { nvidia_payload: string }
    const { nvidia_payload: payload, ...others } = fields
    const relayed = JSON.parse(payload) as { nonce: string }
    const document = JSON.stringify({
      ...others,
      nvidia_payload: JSON.stringify({ ...relayed, nonce: OTHER_NONCE }),
    })
    const verdict = await verifyModelServer(given(document, OTHER_NONCE), { nvidia: nvidiaStandIn(NOW) })
    const failed = verdict.steps.filter(({ result }) => result === 'fail').map(({ name }) => name)
    expect(failed).toEqual(expect.arrayContaining(['gpu-evidence', 'freshness']))
  })
})

function changeCompose(fields: Record<string, unknown>): Record<string, unknown> {
  const info = fields.info as { tcb_info?: object } | undefined
  const source = fields.tcb_info ?? info?.tcb_info
  const tcbInfo = (typeof source === 'string' ? JSON.parse(source) : source) as { app_compose: string }
  const changed = { ...tcbInfo, app_compose: tcbInfo.app_compose.replace('image:', 'image :') }
  return { ...fields, tcb_info: changed }
}
