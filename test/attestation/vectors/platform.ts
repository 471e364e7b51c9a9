import { createPublicKey } from 'node:crypto'
import { createAuthority, issue, NAMES, newKey } from '../../../src/provider/tee/simulated/authority.ts'
import { issueCollateral } from '../../../src/provider/tee/simulated/collateral.ts'
import { certify, pem, randomSerial, revoke, signRaw } from '../../../src/provider/tee/simulated/x509.ts'
import { AUTHORITY, DAY, NOW } from '../support/scene.ts'
import { flipped, type Vector, vector } from './vector.ts'

const OTHER = createAuthority({ now: NOW - DAY })
const PINNED = createAuthority({ now: NOW - DAY })
const issuedAt = NOW - DAY

/** Offsets in a quote of version 4. */
const AT = {
  header: 48,
  signatureLength: 632,
  signature: 636,
  key: 700,
  qeReport: 770,
  qeSignature: 1154,
  qeAuth: 1220,
}

const replaced = (field: string, value: string) => (collateral: Record<string, string>) => ({
  ...collateral,
  [field]: value,
})

/** A statement changed and signed again by its own key: genuine but for what it says. */
function restated(
  field: 'tcb_info' | 'qe_identity',
  change: (value: Record<string, unknown>) => Record<string, unknown>,
) {
  return (collateral: Record<string, string>) => {
    const text = JSON.stringify(change(JSON.parse(collateral[field]!) as Record<string, unknown>))
    const signature = signRaw(Buffer.from(text), AUTHORITY.statements.key).toString('hex')
    return { ...collateral, [field]: text, [`${field}_signature`]: signature }
  }
}

const signedFields = {
  'header version bits': 8,
  'TCB svn': 48,
  'TDX module measurement': 64,
  'TD attributes, upper': 175,
  XFAM: 176,
  mrtd: 184,
  mr_owner: 280,
  mr_owner_config: 328,
}

/** Signatures, certificates, revocation, collateral, status: everything up to the root. */
export const platform: readonly Vector[] = [
  ...Object.entries(signedFields).map(([name, at]) =>
    vector('quote-signature', `a changed byte of the ${name}`, { rawQuote: (quote) => flipped(quote, at) }),
  ),
  vector('quote-signature', 'a changed signature', { rawQuote: (quote) => flipped(quote, AT.signature + 5) }),
  vector('quote-signature', 'an empty signature', {
    rawQuote: (quote) => Buffer.from(quote).fill(0, AT.signature, AT.key),
  }),
  vector('quote-signature', 'another attestation key', { rawQuote: (quote) => flipped(quote, AT.key) }),
  vector('quote-signature', 'a changed report of the quoting enclave', {
    rawQuote: (quote) => flipped(quote, AT.qeReport + 64),
  }),
  vector('quote-signature', "a changed signature on the quoting enclave's report", {
    rawQuote: (quote) => flipped(quote, AT.qeSignature + 3),
  }),
  vector('quote-signature', 'changed authentication data of the quoting enclave', {
    rawQuote: (quote) => flipped(quote, AT.qeAuth + 3),
  }),
  vector('quote-signature', 'another quoting enclave', { quote: { qe: { mrSigner: Buffer.alloc(32, 7) } } }),
  vector('quote-signature', 'another product of the same signer', { quote: { qe: { productId: 1 } } }),
  vector('td-attributes', 'a quoting enclave in debug mode', {
    quote: { qe: { attributes: Buffer.from('13000000000000000000000000000000', 'hex') } },
  }),
  vector('tcb-status', 'a quoting enclave that is too old', { quote: { qe: { svn: 3 } } }),
  vector('td-attributes', 'a TD in debug mode', {
    report: (report) => ({ ...report, tdAttributes: Buffer.from('0100001000000000', 'hex') }),
  }),
  vector('td-attributes', 'a TD with reserved attributes', {
    report: (report) => ({ ...report, tdAttributes: Buffer.from('0001001000000000', 'hex') }),
  }),
  vector('td-attributes', 'a TD without SEPT_VE_DISABLE', {
    report: (report) => ({ ...report, tdAttributes: Buffer.alloc(8) }),
  }),
  vector('td-attributes', 'a TDX module that is not of Intel', {
    report: (report) => ({ ...report, mrSignerSeam: Buffer.alloc(48, 1) }),
  }),
  vector('td-attributes', 'a TDX module with attributes', {
    report: (report) => ({ ...report, seamAttributes: Buffer.from('0100000000000000', 'hex') }),
  }),
  vector('td-attributes', 'a service TD', {
    quote: { version: 5 },
    report: (report) => ({ ...report, mrServiceTd: Buffer.alloc(48, 1) }),
  }),
  vector('td-attributes', 'debug mode in version 5', {
    quote: { version: 5 },
    report: (report) => ({ ...report, tdAttributes: Buffer.from('0200001000000000', 'hex') }),
  }),
  vector('quote-signature', 'a changed body of version 5', {
    quote: { version: 5 },
    rawQuote: (quote) => flipped(quote, 60),
  }),

  vector('certificate-chain', 'another root than the profile names', { trusted: OTHER }),
  vector('certificate-chain', 'no root in the profile', { network: { simulatedTee: undefined } as never }),
  vector('certificate-chain', 'simulated evidence on another chain', { network: { chainId: 16602 } }),
  vector('certificate-chain', 'simulated evidence on a network of another kind', {
    network: { kind: 'custom' },
  }),
  vector('certificate-chain', 'simulated evidence on the live network', {
    network: { kind: 'mainnet', chainId: 16661 },
  }),
  vector('certificate-chain', 'simulated evidence with an RPC elsewhere', {
    network: { rpcUrls: ['http://10.0.0.1:8545'] },
  }),
  vector('certificate-chain', 'simulated evidence of a provider elsewhere', {
    service: { url: 'http://10.0.0.1:3080' },
  }),
  vector('certificate-chain', 'a chain without its authority', {
    quote: { chain: [AUTHORITY.platform.certificate, AUTHORITY.root.certificate] },
  }),
  vector('certificate-chain', 'a chain with the authority of another root', {
    quote: {
      chain: [AUTHORITY.platform.certificate, OTHER.platformCa.certificate, AUTHORITY.root.certificate],
    },
  }),
  vector('certificate-chain', 'a chain in reverse', {
    quote: {
      chain: [AUTHORITY.root.certificate, AUTHORITY.platformCa.certificate, AUTHORITY.platform.certificate],
    },
  }),
  vector('certificate-chain', 'the authority in the place of the platform', {
    quote: { chain: [AUTHORITY.platformCa.certificate, AUTHORITY.root.certificate] },
  }),
  vector('certificate-chain', 'a platform certified by a platform', () => {
    const rogue = issue(AUTHORITY.platform, NAMES.platform, NAMES.platform, false, NOW - DAY, NOW + DAY)
    const { platform: own, platformCa, root } = AUTHORITY
    return {
      quote: { chain: [rogue.certificate, own.certificate, platformCa.certificate, root.certificate] },
    }
  }),
  vector('certificate-chain', 'a platform that certified itself', () => {
    const key = newKey()
    const fields = {
      subject: NAMES.platform,
      issuer: NAMES.platformCa,
      publicKey: createPublicKey(key),
      isAuthority: false,
    }
    const certificate = certify({ ...fields, notBefore: NOW - DAY, notAfter: NOW + DAY }, key)
    return { quote: { chain: [certificate, AUTHORITY.platformCa.certificate, AUTHORITY.root.certificate] } }
  }),
  vector('certificate-chain', 'a changed certificate of the platform', {
    quote: {
      chain: [
        flipped(AUTHORITY.platform.certificate, AUTHORITY.platform.certificate.length - 3),
        AUTHORITY.platformCa.certificate,
        AUTHORITY.root.certificate,
      ],
    },
  }),
  vector('certificate-chain', 'a platform whose certificate has expired', () => ({
    authority: createAuthority({ now: NOW - 30 * DAY, platformNotAfter: NOW - DAY }),
  })),
  vector('certificate-chain', 'an authority whose certificate has expired', () => ({
    authority: createAuthority({ now: NOW - 30 * DAY, platformCaNotAfter: NOW - DAY }),
  })),
  vector('certificate-chain', 'certificates that are not valid yet', () => ({
    authority: createAuthority({ now: NOW + 30 * DAY }),
  })),
  vector('certificate-chain', 'a platform that the root certified itself', () => {
    const direct = issue(AUTHORITY.root, NAMES.platform, NAMES.root, false, NOW - DAY, NOW + DAY)
    return { quote: { chain: [direct.certificate, AUTHORITY.root.certificate] } }
  }),
  vector('certificate-chain', 'statements signed by a platform', () => ({
    rawCollateral: (collateral) => {
      const { platform: own, platformCa, root } = AUTHORITY
      const chain = pem(own.certificate, platformCa.certificate, root.certificate)
      const signature = signRaw(Buffer.from(collateral.tcb_info!), own.key).toString('hex')
      return { ...collateral, tcb_info_issuer_chain: chain, tcb_info_signature: signature }
    },
  })),
  vector('certificate-chain', 'statements of another root', {
    rawCollateral: () => issueCollateral(OTHER, { issuedAt }),
  }),
  vector('certificate-chain', 'the identity of the quoting enclave from another root', {
    rawCollateral: (collateral) => {
      const { qe_identity_issuer_chain, qe_identity, qe_identity_signature } = issueCollateral(OTHER, {
        issuedAt,
      })
      return { ...collateral, qe_identity_issuer_chain, qe_identity, qe_identity_signature }
    },
  }),

  vector('revocation', 'a platform that is revoked', {
    collateral: { revokedPlatforms: [AUTHORITY.platformSerial] },
  }),
  vector('revocation', 'a platform among many that are revoked', {
    collateral: {
      revokedPlatforms: [randomSerial(), randomSerial(), AUTHORITY.platformSerial, randomSerial()],
    },
  }),
  ...(['platformCa', 'statements', 'root'] as const).map((member) =>
    vector('revocation', `a certificate of ${member} that is revoked`, () => ({
      collateral: { revokedByRoot: [serialOf(AUTHORITY[member].certificate)] },
    })),
  ),
  vector('revocation', 'a list of the platform authority that is out of date', {
    collateral: { listsNextUpdate: NOW - 1000 },
  }),
  vector('revocation', 'an empty list that nobody signed', {
    collateral: { revokedPlatforms: [AUTHORITY.platformSerial] },
    rawCollateral: (collateral) => ({ ...collateral, pck_crl: listBy(newKey(), NAMES.platformCa) }),
  }),
  vector('revocation', 'an empty list of the root that nobody signed', {
    rawCollateral: (collateral) => ({ ...collateral, root_ca_crl: listBy(newKey(), NAMES.root) }),
  }),
  vector('revocation', 'the list of another authority', {
    rawCollateral: (collateral) => ({ ...collateral, pck_crl: issueCollateral(OTHER, { issuedAt }).pck_crl }),
  }),
  vector('revocation', "the root's list in the place of the authority's", {
    rawCollateral: (collateral) => ({ ...collateral, pck_crl: collateral.root_ca_crl }),
  }),
  vector('revocation', "the authority's list in the place of the root's", {
    rawCollateral: (collateral) => ({ ...collateral, root_ca_crl: collateral.pck_crl }),
  }),
  vector('revocation', 'a list with a changed byte in its signature', {
    rawCollateral: (collateral) => ({ ...collateral, pck_crl: changedEnd(collateral.pck_crl!) }),
  }),
  vector('revocation', 'a list with a serial number taken out', {
    rawCollateral: (collateral) => {
      const withSerial = revoke(
        {
          issuer: NAMES.platformCa,
          thisUpdate: issuedAt,
          nextUpdate: NOW + DAY,
          serials: [AUTHORITY.platformSerial],
        },
        AUTHORITY.platformCa.key,
      )
      const at = Buffer.from(withSerial).indexOf(Buffer.from(AUTHORITY.platformSerial))
      return { ...collateral, pck_crl: flipped(withSerial, at + 4).toString('hex') }
    },
  }),
  vector('revocation', 'lists from the future', { collateral: { issuedAt: NOW + DAY } }),

  vector('collateral', 'statements that have expired', {
    collateral: { nextUpdate: NOW - 1000, listsNextUpdate: NOW + DAY },
  }),
  vector('collateral', 'statements that are older than the policy allows', {
    policy: { maxCollateralAgeSeconds: 3600 },
  }),
  vector('collateral', 'statements from the future', () => ({
    rawCollateral: (collateral) => ({
      ...issueCollateral(AUTHORITY, { issuedAt: NOW + DAY }),
      pck_crl: collateral.pck_crl,
      root_ca_crl: collateral.root_ca_crl,
    }),
  })),
  ...(['tcb_info', 'qe_identity'] as const).flatMap((field) => [
    vector('collateral', `${field} with a changed signature`, {
      rawCollateral: (c) => ({ ...c, [`${field}_signature`]: changedEnd(c[`${field}_signature`]!) }),
    }),
    vector('collateral', `${field} with a changed date`, {
      rawCollateral: (c) => ({ ...c, [field]: c[field]!.replace('2026-12', '2027-12') }),
    }),
    vector('collateral', `${field} signed by somebody else`, {
      rawCollateral: (c) => ({
        ...c,
        [`${field}_signature`]: signRaw(Buffer.from(c[field]!), OTHER.statements.key).toString('hex'),
      }),
    }),
    vector('collateral', `${field} that expired`, {
      rawCollateral: restated(field, (value) => ({ ...value, nextUpdate: '2026-11-21T00:00:00Z' })),
    }),
  ]),
  vector('collateral', 'tcb_info in the place of qe_identity', {
    rawCollateral: (c) => ({ ...c, qe_identity: c.tcb_info, qe_identity_signature: c.tcb_info_signature }),
  }),
  vector('collateral', 'the identity of an SGX quoting enclave', {
    rawCollateral: restated('qe_identity', (value) => ({ ...value, id: 'QE' })),
  }),
  vector('tcb-status', 'statements about SGX, not TDX', {
    rawCollateral: restated('tcb_info', (value) => ({ ...value, id: 'SGX' })),
  }),
  vector('tcb-status', 'statements without a level', {
    rawCollateral: restated('tcb_info', (value) => ({ ...value, tcbLevels: [] })),
  }),

  vector('tcb-status', 'statements about another platform', { collateral: { fmspc: '00606a000000' } }),
  ...[
    'OutOfDate',
    'OutOfDateConfigurationNeeded',
    'ConfigurationNeeded',
    'ConfigurationAndSWHardeningNeeded',
    'Revoked',
    'Fine',
  ].map((tcbStatus) =>
    vector('tcb-status', `a platform that is ${tcbStatus}`, { collateral: { tcbStatus } }),
  ),
  vector('tcb-status', 'a quoting enclave that is out of date', { collateral: { qeStatus: 'OutOfDate' } }),
  vector('tcb-status', 'a quoting enclave that is revoked', { collateral: { qeStatus: 'Revoked' } }),
  vector('tcb-status', 'a TDX module below every level', {
    report: (report) => ({ ...report, teeTcbSvn: Buffer.alloc(16) }),
  }),
  vector('tcb-status', 'a TDX module of an old level', {
    report: (report) => ({ ...report, teeTcbSvn: Buffer.alloc(16, 2) }),
  }),
  vector('tcb-status', 'hardening that this policy does not allow to lack', {
    collateral: { tcbStatus: 'SWHardeningNeeded' },
    policy: { tcbStatuses: ['UpToDate'] },
  }),
  vector('tcb-status', 'an advisory that the policy does not accept', {
    collateral: { advisories: ['INTEL-SA-00001', 'INTEL-SA-00002'] },
    policy: { advisories: ['INTEL-SA-00001'] },
  }),
  vector('collateral', 'a replaced statement with the old signature', {
    collateral: { tcbStatus: 'OutOfDate' },
    rawCollateral: (c) =>
      replaced('tcb_info', c.tcb_info!.replace('"tcbStatus":"OutOfDate"', '"tcbStatus":"UpToDate"'))(c),
  }),
  vector(
    'collateral',
    'statements of another devnet under this root, swapped in whole but for the chain',
    () => {
      const { tcb_info, tcb_info_signature } = issueCollateral(PINNED, { issuedAt })
      return { rawCollateral: (c) => ({ ...c, tcb_info, tcb_info_signature }) }
    },
  ),
]

const changedEnd = (hex: string): string =>
  flipped(Buffer.from(hex, 'hex'), hex.length / 2 - 1).toString('hex')

const listBy = (key: ReturnType<typeof newKey>, issuer: string): string =>
  Buffer.from(revoke({ issuer, thisUpdate: issuedAt, nextUpdate: NOW + DAY, serials: [] }, key)).toString(
    'hex',
  )

/** The serial number of a certificate that this authority made: version, then an integer of 20 bytes. */
function serialOf(certificate: Uint8Array): Buffer {
  const at = Buffer.from(certificate).indexOf(Buffer.from('a003020102', 'hex')) + 5
  return Buffer.from(certificate.subarray(at + 2, at + 2 + certificate[at + 1]!))
}
