import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { firstFailure } from '../../src/attestation/verdict.ts'
import { type ProviderVerdict, verifyProvider } from '../../src/attestation/verifyProvider.ts'
import { type ExpectedReceipt, verifyReceipt } from '../../src/attestation/verifyReceipt.ts'
import { receiptToJson, signReceipt } from '../../src/protocol/receipt.ts'
import { type Scene, scene } from '../attestation/support/scene.ts'
import { binding } from '../attestation/vectors/binding.ts'
import { machine } from '../attestation/vectors/machine.ts'
import { malformedVectors } from '../attestation/vectors/malformed.ts'
import { platform } from '../attestation/vectors/platform.ts'
import { positive } from '../attestation/vectors/positive.ts'
import type { Vector } from '../attestation/vectors/vector.ts'
import { DETAIL, EXCHANGE, KEY } from '../unit/attestation/honest.ts'
import { bundle } from './support/bundle.ts'
import { type Page, type Site, startSite } from './support/site.ts'

/** What a page is asked: the library alone, with everything passed in as JSON. */
const PAGE = `
import { verifyProvider, verifyReceipt } from '0g-compute/attestation'
const revive = (_key, value) => (value?.bytes ? new Uint8Array(value.bytes) : value)
const outcomeOf = (verify) => verify().then((verdict) => verdict, ({ code, exitCode }) => ({ code, exitCode }))
globalThis.judge = (json) => {
  const { given, options } = JSON.parse(json, revive)
  return outcomeOf(async () => verifyProvider(given, options))
}
globalThis.judgeReceipt = (json) => {
  const { receipt, expected } = JSON.parse(json)
  return outcomeOf(async () => verifyReceipt(receipt, expected))
}
`
const HTML = '<!doctype html><title>attestation</title><script type="module" src="stdin.js"></script>'

let site: Site
let page: Page
let errors: readonly Error[]

beforeAll(async () => {
  site = await startSite(new Map([...(await bundle(PAGE)), ['index.html', HTML]]), false)
  ;({ page, errors } = await site.open())
  await page.goto(site.url)
  await vi.waitFor(async () => expect(await page.evaluate('typeof judgeReceipt')).toBe('function'))
})

afterAll(() => site?.close())

/** NVIDIA's verifier is a function: nobody is asked here, on either side. */
const withoutNvidia = ({ given, options }: Scene): Scene => ({ given, options: { ...options, nvidia: null } })

const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, item) =>
    typeof item === 'bigint' ? item.toString() : item instanceof Uint8Array ? { bytes: [...item] } : item,
  )

type Outcome = ProviderVerdict | { readonly code: string; readonly exitCode: number }

const inNode = ({ given, options }: Scene): Promise<Outcome> =>
  verifyProvider(given, options).catch(({ code, exitCode }) => ({ code, exitCode }))

async function compare(vectors: readonly Vector[]): Promise<string[]> {
  const differing: string[] = []
  for (const { name, changes } of vectors) {
    const given = withoutNvidia(scene(changes()))
    const there = essence(await page.evaluate(`judge(${JSON.stringify(toJson(given))})`))
    const here = essence(await inNode(given))
    if (JSON.stringify(there) !== JSON.stringify(here)) differing.push(`${name}: ${JSON.stringify(there)}`)
  }
  return differing
}

/** What it came to and why. Below the first fault, `@phala/dcap-qvl` sees less in a page: no dates of certificates. */
function essence(outcome: Outcome): unknown {
  if ('code' in outcome) return outcome
  const { outcome: word, assurance, evidence, encryptionKey } = outcome
  return { word, assurance, evidence, encryptionKey, fault: firstFailure(outcome) }
}

describe('in a page, every verdict is that of Node, for the same reason', () => {
  it.each(Object.entries({ platform, binding, machine, malformedVectors, positive }))(
    'vectors: %s',
    async (_group, vectors) => {
      expect(await compare(vectors)).toEqual([])
      expect(errors).toEqual([])
    },
  )

  it('accepts a receipt, and rejects a forged one', async () => {
    const { chainId, contract, provider, user, signer } = EXCHANGE
    const fields = { provider, user, seq: 1, cumulative: 350n, fee: 350n, issuedAt: 1_790_000_000 }
    const receipt = receiptToJson(signReceipt(KEY, chainId, contract, fields, DETAIL))
    const expected: ExpectedReceipt = { chainId, contract, provider, user, signer }
    const judge = (json: unknown) =>
      page.evaluate(`judgeReceipt(${JSON.stringify(JSON.stringify({ receipt: json, expected }))})`)
    expect(await judge(receipt)).toEqual(verifyReceipt(receipt, expected))
    expect(await judge(receipt)).toMatchObject({ outcome: 'accepted' })
    const forged = { ...receipt, receipt: { ...receipt.receipt, fee: '351' } }
    expect(await judge(forged)).toMatchObject({ outcome: 'rejected' })
    expect(await judge({ receipt: 7 })).toEqual({ code: 'evidence_malformed', exitCode: 30 })
  })
})
