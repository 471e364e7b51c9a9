import type { Address } from '../base/hex.ts'
import { hexToBytes, sameAddress } from '../base/hex.ts'
import { boundReportData, capabilitiesDigest, rootOfNonce } from '../protocol/quoteBinding.ts'
import { sameBytes, shortHex } from './bytes.ts'
import type { Evidence } from './evidence.ts'
import type { Policy } from './policy.ts'
import { type ReportLayout, reportLayout } from './reportData.ts'
import { vanished } from './vanished.ts'
import type { StepList } from './verdict.ts'

/** Who and what the quote should be bound to. */
export interface ExpectedBinding {
  readonly chainId: number
  /** The serving contract. */
  readonly contract: Address
  readonly provider: Address
  /** On chain. */
  readonly signer: Address
  /** 64 hex digits, as sent; null when none was. */
  readonly nonce: string | null
}

/** What report data was found to say. */
export interface Bound {
  readonly layout: ReportLayout | null
  readonly encryptionKey: string | null
}

/** The 64 bytes of report data, whose signer they name, and whether they were made for this caller. */
export function checkBinding(
  steps: StepList,
  evidence: Evidence,
  expected: ExpectedBinding,
  policy: Policy,
): Bound {
  const bound = evidence.binding
    ? checkOurs(steps, evidence, expected)
    : checkDeployed(steps, evidence, expected)
  checkFreshness(steps, evidence, bound.layout, expected.nonce, policy)
  return bound
}

function checkOurs(steps: StepList, evidence: Evidence, expected: ExpectedBinding): Bound {
  const { text, value } = evidence.binding!
  const { reportData } = evidence.quote.report
  const isBound = evidence.nonce
    ? sameBytes(
        reportData,
        boundReportData(text, rootOfNonce(hexToBytes(evidence.nonce.value), evidence.nonce.path)),
      )
    : sameBytes(reportData.subarray(0, 32), boundReportData(text, new Uint8Array(32)).subarray(0, 32))
  steps.check(
    'report-data',
    isBound && isStatedRight(evidence),
    'the quote binds the statement of broker, keys, models and capabilities, and the nonce',
    `it binds ${shortHex(reportData)}`,
  )
  const { chainId, contract, provider, signer } = expected
  const isHere = value.chainId === chainId && sameAddress(value.contract, contract)
  steps.check(
    'identity',
    isHere && sameAddress(value.provider, provider),
    `provider ${provider} at contract ${contract} on chain ${chainId}`,
    `provider ${value.provider} at contract ${value.contract} on chain ${value.chainId}`,
  )
  checkSigner(steps, value.signer, signer)
  return { layout: null, encryptionKey: value.encryptionKey }
}

function checkDeployed(steps: StepList, evidence: Evidence, { signer }: ExpectedBinding): Bound {
  const layout = reportLayout(evidence.quote.report.reportData)
  const isOwn = layout !== null && isStatedRight(evidence)
  steps.check(
    'report-data',
    isOwn && (evidence.statedSigner === null || sameAddress(evidence.statedSigner, layout.signer)),
    'the quote binds a signer, the one that the document states',
    layout ? `it binds ${layout.signer}` : 'a layout that is not known',
  )
  if (layout) checkSigner(steps, layout.signer, signer)
  return { layout, encryptionKey: layout?.kind === 'sealed' ? layout.encryptionKey : null }
}

const isStatedRight = ({ statedReportData, quote }: Evidence): boolean =>
  statedReportData === null || sameBytes(statedReportData, quote.report.reportData)

function checkSigner(steps: StepList, found: string, signer: Address): void {
  steps.check(
    'signer-on-chain',
    sameAddress(found, signer),
    `the quote names the signer on chain, ${signer}`,
    found,
  )
}

function checkFreshness(
  steps: StepList,
  evidence: Evidence,
  layout: ReportLayout | null,
  asked: string | null,
  policy: Policy,
): void {
  const inQuote = evidence.nonce?.value ?? (layout?.kind === 'model' ? layout.nonce : null)
  if (evidence.statedNonce !== null && inQuote !== evidence.statedNonce) {
    return void steps.check(
      'freshness',
      false,
      'the nonce that the document states is in the quote',
      'it is not',
    )
  }
  if (asked !== null && inQuote !== null) {
    return void steps.check(
      'freshness',
      inQuote === asked,
      'made for the nonce of this call',
      `made for ${shortHex(inQuote)}`,
    )
  }
  const why =
    inQuote === null
      ? 'replayable: the evidence carries no nonce'
      : 'replayable: its nonce is not of this call'
  if (policy.nonce === 'required')
    return void steps.check('freshness', false, 'made for the nonce of this call', why)
  steps.missing('freshness', why)
}

/** What the broker says that it can do, against what the quote vouches for and what was seen before. */
export function checkCapabilities(
  steps: StepList,
  evidence: Evidence,
  document: string | null,
  seen: string | null,
): void {
  const { binding } = evidence
  if (!binding) {
    if (seen === null)
      return void steps.notApplicable('capabilities', 'a broker of the deployed protocol has none')
    return void steps.check(
      'capabilities',
      false,
      'what was seen before is still there',
      'the quote vouches for none',
    )
  }
  if (document === null)
    return void steps.missing('capabilities', 'the list that the quote vouches for was not fetched')
  const current = parse(document)
  if (!steps.check('capabilities', current !== null, 'a JSON object', 'it is none')) return
  const digest = capabilitiesDigest(current)
  const isBound = steps.check(
    'capabilities',
    digest === binding.value.capabilities,
    'the list is the one that the quote vouches for',
    `the quote has ${shortHex(binding.value.capabilities)}, the list ${shortHex(digest)}`,
  )
  const lost = isBound && seen !== null ? vanished(parse(seen), current) : null
  if (lost !== null)
    steps.check('capabilities', false, 'what was seen before is still there', `${lost} vanished`)
}

function parse(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    return null
  }
}
