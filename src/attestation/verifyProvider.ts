import { sameAddress } from '../base/hex.ts'
import type { Service } from '../chain/inference.ts'
import { allowsSimulatedTee, type NetworkProfile } from '../chain/networks.ts'
import { sha256Text } from '../protocol/canonical.ts'
import { parseQuoteDocument, sameBytes, signerInReportData } from './quoteDocument.ts'
import { type Assurance, StepList, type Verdict } from './verdict.ts'

export interface ProviderEvidence {
  readonly network: NetworkProfile
  readonly service: Service
  /** Body of `GET /v1/quote`, or null when the provider serves none. */
  readonly document: string | null
}

export interface ProviderVerdict extends Verdict {
  /** sha256 of the document, 64 hex digits: what the provider's receipts must name. Null without a document. */
  readonly evidence: string | null
}

/**
 * Decides what stands behind a provider's signing key. Pure.
 *
 * Simulated evidence counts only where `allowsSimulatedTee` says so. The certificate chain of a real quote is not
 * checked here yet: elsewhere than on a devnet the verdict is incomplete and the assurance `none`.
 */
export function verifyProvider({ network, service, document }: ProviderEvidence): ProviderVerdict {
  const steps = new StepList()
  steps.check('signer-acknowledged', service.teeSignerAcknowledged, 'the contract acknowledges the signer')
  const assurance = checkQuote(steps, network, service, document)
  return { ...steps.verdict(assurance), evidence: document && sha256Text(document).slice(2) }
}

function checkQuote(
  steps: StepList,
  network: NetworkProfile,
  service: Service,
  document: string | null,
): Assurance {
  if (document === null) {
    steps.missing('quote', 'the provider serves no evidence for its key')
    return 'none'
  }
  const report = parseQuoteDocument(document)
  if (!steps.check('quote', report !== null, 'a TDX quote in the deployed layout') || !report) return 'none'
  steps.check(
    'report-data',
    sameBytes(report.reportData, report.statedReportData),
    'the quote binds the data that the document states',
  )
  const bound = signerInReportData(report.reportData)
  steps.check(
    'report-data-signer',
    bound !== null && sameAddress(bound, service.teeSignerAddress),
    `the quote names the signer on chain, ${service.teeSignerAddress}`,
    bound ?? 'no address in the deployed layout',
  )
  if (allowsSimulatedTee(network, service.url)) {
    steps.notApplicable('quote-signature', 'simulated: a devnet on this machine')
    return 'simulated'
  }
  steps.missing('quote-signature', "the quote's certificate chain was not checked")
  return 'none'
}
