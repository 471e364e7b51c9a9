import type { KeyObject } from 'node:crypto'
import { type Authority, NAMES, PLATFORM } from './authority.ts'
import { QUOTING_ENCLAVE } from './quote.ts'
import { pem, revoke, signRaw } from './x509.ts'

export interface CollateralOptions {
  /** ms */
  readonly issuedAt: number
  /** ms; default 30 days later. */
  readonly nextUpdate?: number
  /** Of the two revocation lists, ms; default as `nextUpdate`. */
  readonly listsNextUpdate?: number
  readonly tcbStatus?: string
  readonly advisories?: readonly string[]
  readonly qeStatus?: string
  readonly fmspc?: string
  /** Serial numbers that the root revoked. */
  readonly revokedByRoot?: readonly Uint8Array[]
  /** Serial numbers that the platform authority revoked. */
  readonly revokedPlatforms?: readonly Uint8Array[]
}

const LIFETIME_MS = 30 * 86_400_000

/** Statements about the simulated platform, in the form in which Intel's travel. */
export function issueCollateral(authority: Authority, options: CollateralOptions): Record<string, string> {
  const { root, platformCa, statements } = authority
  const nextUpdate = options.nextUpdate ?? options.issuedAt + LIFETIME_MS
  const dates = { thisUpdate: options.issuedAt, nextUpdate: options.listsNextUpdate ?? nextUpdate }
  const chain = pem(statements.certificate, root.certificate)
  const tcbInfo = JSON.stringify(tcbInfoOf(options, nextUpdate))
  const qeIdentity = JSON.stringify(qeIdentityOf(options, nextUpdate))
  const list = (issuer: string, key: KeyObject, serials: readonly Uint8Array[] = []) =>
    Buffer.from(revoke({ issuer, ...dates, serials }, key)).toString('hex')
  return {
    pck_crl_issuer_chain: pem(platformCa.certificate, root.certificate),
    root_ca_crl: list(NAMES.root, root.key, options.revokedByRoot),
    pck_crl: list(NAMES.platformCa, platformCa.key, options.revokedPlatforms),
    tcb_info_issuer_chain: chain,
    tcb_info: tcbInfo,
    tcb_info_signature: signRaw(Buffer.from(tcbInfo), statements.key).toString('hex'),
    qe_identity_issuer_chain: chain,
    qe_identity: qeIdentity,
    qe_identity_signature: signRaw(Buffer.from(qeIdentity), statements.key).toString('hex'),
  }
}

const ZERO_MODULE = { mrsigner: '00'.repeat(48), attributes: '00'.repeat(8), attributesMask: 'FF'.repeat(8) }

function tcbInfoOf(options: CollateralOptions, nextUpdate: number): object {
  const components = (svn: number) => Array.from({ length: 16 }, () => ({ svn }))
  return {
    id: 'TDX',
    version: 3,
    ...datesOf(options, nextUpdate),
    fmspc: (options.fmspc ?? PLATFORM.fmspc).toUpperCase(),
    pceId: PLATFORM.pceId,
    tcbType: 0,
    tcbEvaluationDataNumber: 1,
    tdxModule: ZERO_MODULE,
    tdxModuleIdentities: [],
    tcbLevels: [
      {
        tcb: { sgxtcbcomponents: components(3), pcesvn: PLATFORM.pceSvn, tdxtcbcomponents: components(3) },
        tcbDate: dateOf(options.issuedAt),
        tcbStatus: options.tcbStatus ?? 'UpToDate',
        ...(options.advisories && { advisoryIDs: options.advisories }),
      },
      {
        tcb: { sgxtcbcomponents: components(1), pcesvn: 1, tdxtcbcomponents: components(1) },
        tcbDate: dateOf(0),
        tcbStatus: 'OutOfDate',
      },
    ],
  }
}

function qeIdentityOf(options: CollateralOptions, nextUpdate: number): object {
  return {
    id: 'TD_QE',
    version: 2,
    ...datesOf(options, nextUpdate),
    tcbEvaluationDataNumber: 1,
    miscselect: '00000000',
    miscselectMask: 'FFFFFFFF',
    attributes: QUOTING_ENCLAVE.attributes.toString('hex').toUpperCase(),
    attributesMask: 'FBFFFFFFFFFFFFFF0000000000000000',
    mrsigner: QUOTING_ENCLAVE.mrSigner.toString('hex').toUpperCase(),
    isvprodid: QUOTING_ENCLAVE.productId,
    tcbLevels: [
      {
        tcb: { isvsvn: QUOTING_ENCLAVE.svn },
        tcbDate: dateOf(options.issuedAt),
        tcbStatus: options.qeStatus ?? 'UpToDate',
      },
    ],
  }
}

const datesOf = ({ issuedAt }: CollateralOptions, nextUpdate: number) => ({
  issueDate: dateOf(issuedAt),
  nextUpdate: dateOf(nextUpdate),
})

const dateOf = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}Z`
