import { decodeBase64 } from 'ethers/utils'
import { isZero, sameBytes, shortHex } from './bytes.ts'
import { type Certificate, chainFault, readCertificate, readPemChain, writePemChain } from './certificates.ts'
import { startRevocationCheck } from './checkRevocation.ts'
import type { Collateral } from './collateral.ts'
import { malformedEvidence } from './malformed.ts'
import type { Policy } from './policy.ts'
import type { TcbStatus } from './tcbStatus.ts'
import type { TdReport, TdxQuote } from './tdxQuote.ts'
import type { Assurance, StepList } from './verdict.ts'

/** Certificates that a quote may chain to, DER. */
export interface QuoteRoots {
  /** Default Intel's. */
  readonly tdx?: Uint8Array
  /** Of this devnet; null wherever simulated evidence does not count. */
  readonly simulated: Uint8Array | null
}

export interface QuoteCheck {
  readonly quote: TdxQuote
  readonly collateral: Collateral | null
  readonly roots: QuoteRoots
  readonly policy: Policy
  /** ms */
  readonly now: number
}

const PCK_CHAIN = 5
/** DER of a revocation list that names nothing, in the shape that `@phala/dcap-qvl` reads. */
const EMPTY_LIST = '300d30060500050005000500030100'
const STEPS = ['certificate-chain', 'revocation', 'collateral', 'quote-signature', 'tcb-status'] as const
type StepName = (typeof STEPS)[number] | 'td-attributes'

/**
 * The quote's signature up to the root, its platform's status, and what revokes it. What `@phala/dcap-qvl` leaves
 * open is checked here first: that the lists of revoked certificates are genuine and in force, that each
 * certificate stands in its own place, and that the TDX module is Intel's.
 * @returns the assurance that the quote gives, `none` unless all of it holds
 */
export async function checkQuote(steps: StepList, check: QuoteCheck): Promise<Assurance> {
  const attributesHold = checkAttributes(steps, check.quote.report)
  if (!check.collateral) {
    for (const name of STEPS) steps.missing(name, 'nothing to check it with: no collateral for this platform')
    return 'none'
  }
  const chains = readChains(check.quote, check.collateral)
  if (!chains) {
    for (const name of STEPS) steps.missing(name, `the platform is certified in a way that is not known here`)
    return 'none'
  }
  const found = await rootOf(chains.pck, check.roots)
  const root = readCertificate(found.der)
  const { pck, tcb, qe } = chains
  const concludeRevocation = startRevocationCheck({
    certificates: [...pck, ...tcb, ...qe, root],
    root,
    platformCa: pck[1] ?? root,
    collateral: check.collateral,
    now: check.now,
  })
  const chainHolds = checkChains(steps, chains, root, check.now)
  const isFresh = checkCollateralAge(steps, check)
  const isSigned = await checkSignature(steps, check, chains, root.der)
  const inForce = await concludeRevocation(steps)
  for (const name of STEPS) if (!steps.has(name)) steps.missing(name, 'not reached')
  return attributesHold && chainHolds && inForce && isFresh && isSigned ? found.assurance : 'none'
}

interface Chains {
  readonly pck: readonly Certificate[]
  readonly tcb: readonly Certificate[]
  readonly qe: readonly Certificate[]
}

function readChains(quote: TdxQuote, collateral: Collateral): Chains | null {
  if (quote.certificationType !== PCK_CHAIN) return null
  return {
    pck: readPemChain(new TextDecoder().decode(quote.certification), "the quote's certificate chain"),
    tcb: readPemChain(collateral.tcb_info_issuer_chain, 'tcb_info_issuer_chain'),
    qe: readPemChain(collateral.qe_identity_issuer_chain, 'qe_identity_issuer_chain'),
  }
}

/** The devnet's root where it is allowed and named; everything else has to chain to Intel's. */
async function rootOf(
  chain: readonly Certificate[],
  roots: QuoteRoots,
): Promise<{ der: Uint8Array; assurance: Assurance }> {
  if (roots.simulated && sameBytes(chain.at(-1)!.der, roots.simulated))
    return { der: roots.simulated, assurance: 'simulated' }
  return { der: roots.tdx ?? (await intelRoot()), assurance: 'tdx' }
}

/** Intel's root for SGX and TDX, as `@phala/dcap-qvl` carries it. */
async function intelRoot(): Promise<Uint8Array> {
  const { constants } = await loadVerifier()
  return constants.TRUSTED_ROOT_CA_DER
}

/** Loaded when the first quote is checked: most calls of the command line check none. */
const loadVerifier = (() => {
  let loaded: typeof import('@phala/dcap-qvl') | undefined
  return async () => {
    loaded ??= (await import('@phala/dcap-qvl')).default
    return loaded
  }
})()

function checkAttributes(steps: StepList, report: TdReport): boolean {
  const { tdAttributes, mrSignerSeam, seamAttributes, mrServiceTd } = report
  const isIntelModule =
    isZero(mrSignerSeam) && isZero(seamAttributes) && (mrServiceTd === null || isZero(mrServiceTd))
  const holds = tdAttributes[0] === 0 && isIntelModule
  return steps.check(
    'td-attributes',
    holds,
    'not in debug mode, run by a TDX module of Intel, with no service TD',
    isIntelModule ? 'debug mode is on' : `module ${shortHex(mrSignerSeam)}`,
  )
}

function checkChains(steps: StepList, chains: Chains, root: Certificate, now: number): boolean {
  const faults = [
    chainFault(chains.pck, root, now),
    chainFault(chains.tcb, root, now),
    chainFault(chains.qe, root, now),
    lengthFault(chains, root),
  ]
  const fault = faults.find((found) => found !== null) ?? null
  return steps.check(
    'certificate-chain',
    fault === null,
    `up to the root "${root.commonName}"`,
    fault ?? undefined,
  )
}

/** Platforms are certified below an authority, Intel's statements directly by the root: neither can pass for the other. */
function lengthFault({ pck, tcb, qe }: Chains, root: Certificate): string | null {
  const isDirect = (chain: readonly Certificate[]) => sameBytes(chain[0]!.issuer, root.subject)
  if (isDirect(pck)) return "the platform's certificate is issued by the root itself"
  return isDirect(tcb) && isDirect(qe)
    ? null
    : 'the collateral is not signed by a key that the root certified'
}

function checkCollateralAge(steps: StepList, { collateral, policy, now }: QuoteCheck): boolean {
  const issued = [issueDate(collateral!.tcb_info), issueDate(collateral!.qe_identity)]
  const ageSeconds = Math.floor((now - Math.min(...issued)) / 1000)
  const limit = policy.maxCollateralAgeSeconds
  if (Math.max(...issued) > now)
    return steps.check('collateral', false, DETAIL.collateral, 'issued in the future')
  return (
    ageSeconds <= limit ||
    steps.check('collateral', false, `issued at most ${limit} s ago`, `${ageSeconds} s`)
  )
}

function issueDate(json: string): number {
  try {
    const time = Date.parse((JSON.parse(json) as { issueDate: string }).issueDate)
    if (Number.isFinite(time)) return time
  } catch {
    // Said below.
  }
  throw malformedEvidence('the collateral has no date of issue')
}

async function checkSignature(
  steps: StepList,
  check: QuoteCheck,
  chains: Chains,
  root: Uint8Array,
): Promise<boolean> {
  const { QuoteVerifier, utils } = await loadVerifier()
  const collateral = {
    ...check.collateral!,
    // Written anew, so that both readers see the same certificates.
    pck_certificate_chain: writePemChain(chains.pck),
    tcb_info_issuer_chain: writePemChain(chains.tcb),
    qe_identity_issuer_chain: writePemChain(chains.qe),
    // It would read the lists anew for every certificate, unsigned as well; `startRevocationCheck` has the last word.
    root_ca_crl: EMPTY_LIST,
    pck_crl: EMPTY_LIST,
  }
  // Its own reader makes the kind of bytes that it takes, in Node and in a browser; a text is as good as bytes to it.
  const [rootDer] = utils.extractCerts(writePemChain([{ der: root }]) as unknown as Buffer)
  try {
    const verifier = QuoteVerifier.newWithRootCa(rootDer!)
    const verified = verifier.verify(check.quote.bytes, collateral, Math.floor(check.now / 1000))
    return checkStatus(steps, check, verified.status as TcbStatus, verified.advisory_ids)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const step = stepOf(message)
    steps.check(step, false, DETAIL[step], message)
    return false
  }
}

function checkStatus(
  steps: StepList,
  { policy }: QuoteCheck,
  status: TcbStatus,
  advisories: readonly string[],
): boolean {
  steps.check('collateral', true, DETAIL.collateral)
  steps.check('quote-signature', true, DETAIL['quote-signature'])
  const open = policy.advisories === 'any' ? [] : advisories.filter((id) => !policy.advisories.includes(id))
  return steps.check(
    'tcb-status',
    policy.tcbStatuses.includes(status) && open.length === 0,
    `the platform is ${policy.tcbStatuses.join(' or ')}`,
    [status, ...open].join(', '),
  )
}

const DETAIL: Record<StepName, string> = {
  'certificate-chain': 'every certificate is signed by the next, up to the root',
  revocation: 'no certificate is revoked',
  collateral: 'the statements on platform and quoting enclave are signed and in force',
  'quote-signature': "the report is signed by the quoting enclave's key, and that enclave by the platform's",
  'tcb-status': 'the platform has a status that is known and not revoked',
  'td-attributes': 'attributes of the TD and of the quoting enclave',
}

/** Which step an error of `@phala/dcap-qvl` 0.3.9 (src/verify.js, src/utils.js) belongs to. */
const ERRORS: readonly (readonly [RegExp, StepName])[] = [
  [
    /expired$|in the future$|tcb_info|qe_identity|TcbInfo|QeIdentity|for TCB Info|for QE Identity|QE Identity id/,
    'collateral',
  ],
  [/^Certificate is revoked/, 'revocation'],
  [/certificate chain|^Certificate|CaUsedAsEndEntity|PCK/, 'certificate-chain'],
  [/Debug mode|Reserved bits|SEPT_VE|mr service td/, 'td-attributes'],
  [/TCB|Fmspc|ISVSVN|Svn/, 'tcb-status'],
]

const stepOf = (message: string): StepName =>
  ERRORS.find(([pattern]) => pattern.test(message))?.[1] ?? 'quote-signature'

/** A root as a profile carries it. @throws AppError `evidence_malformed` */
export function readRoot(base64: string): Uint8Array {
  try {
    const der = decodeBase64(base64)
    readCertificate(der)
    return der
  } catch (error) {
    throw malformedEvidence("the profile's root is no certificate", error)
  }
}
