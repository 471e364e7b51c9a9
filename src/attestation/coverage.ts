import { bytesToHex } from '../base/hex.ts'
import { readPemChain } from './certificates.ts'
import type { Collateral } from './collateral.ts'
import type { MeasuredEvent } from './eventLog.ts'
import type { Evidence } from './evidence.ts'

/** Parts of a document that no verdict rests on: they may be anything, and are not to be believed. */
export const NOT_COVERED = [
  'zeros after the quote, and white space around the certificates in it',
  'what the document repeats of the quote and the log: report_data, tcb_info, vm_config (where it is there, it must agree)',
  'name, type and payload of events of the firmware: a register takes their digest alone',
  'digests of runtime events: they are computed',
  'pck_crl_issuer_chain: the list is checked with the authority of the certificate chain itself',
  'what a GPU signed besides its nonce: NVIDIA judges it, and is asked directly',
  'fields that are not known',
] as const

/**
 * Everything in a document that a verdict rests on, as one text. Two documents with the same are the same evidence.
 */
export function coveredPart(evidence: Evidence): string {
  const { quote, events, appCompose, binding, nonce, gpu, collateral } = evidence
  return JSON.stringify({
    quote: bytesToHex(
      quote.bytes.subarray(0, quote.bytes.length - padding(quote.bytes) - quote.certification.length),
    ),
    chain: chainOf(new TextDecoder().decode(quote.certification)),
    events: events?.map(coveredEvent) ?? null,
    appCompose,
    binding: binding?.text ?? null,
    nonce,
    gpu: gpu && [gpu.nonce, ...gpu.devices.map(({ nonce: own }) => own)],
    collateral: collateral && coveredCollateral(collateral),
  })
}

const padding = (bytes: Uint8Array): number => bytes.length - (bytes.findLastIndex((byte) => byte !== 0) + 1)

const coveredEvent = ({ imr, type, digest, name, payload }: MeasuredEvent): unknown[] =>
  imr === 3 ? [imr, type, name, bytesToHex(payload)] : [imr, bytesToHex(digest)]

function coveredCollateral({ pck_crl_issuer_chain: _, ...collateral }: Collateral): object {
  return {
    ...collateral,
    tcb_info_issuer_chain: chainOf(collateral.tcb_info_issuer_chain),
    qe_identity_issuer_chain: chainOf(collateral.qe_identity_issuer_chain),
  }
}

const chainOf = (pem: string): string[] => readPemChain(pem, 'a chain').map(({ der }) => bytesToHex(der))
