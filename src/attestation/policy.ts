import { AppError, EXIT } from '../base/errors.ts'
import type { SimulatedTeeTrust } from '../chain/networks.ts'
import { TCB_STATUSES, type TcbStatus } from './tcbStatus.ts'

/** Registers that a policy allows together, hex digits; those left out may have any value. */
export interface AllowedMeasurement {
  readonly name?: string
  readonly mrtd: string
  readonly rtmr0?: string
  readonly rtmr1?: string
  readonly rtmr2?: string
  readonly osImageHash?: string
}

/** What `required` things do when they are missing: reject. `report` leaves the verdict incomplete. */
export type Demand = 'required' | 'report'

/** What a user wants to see before a provider counts as verified. @see policy.schema.json */
export interface Policy {
  readonly v: 1
  /** Firmware, kernel and OS images; `any` accepts every one. */
  readonly measurements: readonly AllowedMeasurement[] | 'any'
  /** Hashes of the app's compose file; `any` accepts every one. */
  readonly apps: readonly string[] | 'any'
  readonly tcbStatuses: readonly TcbStatus[]
  /** Advisories that are accepted; `any` accepts every one. */
  readonly advisories: readonly string[] | 'any'
  /** Since the collateral was issued, seconds. */
  readonly maxCollateralAgeSeconds: number
  /** Since the evidence was fetched, seconds; then it is fetched again. */
  readonly maxEvidenceAgeSeconds: number
  readonly nonce: Demand
  readonly pinnedImages: Demand
  readonly modelDigest: Demand | 'ignored'
  readonly tls: Demand | 'ignored'
  /** `ifPresent`: evidence that is there must hold. */
  readonly gpu: 'required' | 'ifPresent' | 'ignored'
  /** Tokens that an answer may be billed for, for each byte of it that was delivered; above 0, at most 1. */
  readonly maxTokensPerByte: number
}

/** What holds without a policy file: nobody's image or app is trusted by name, so that has to be said. */
export const DEFAULT_POLICY: Policy = {
  v: 1,
  measurements: [],
  apps: [],
  tcbStatuses: ['UpToDate', 'SWHardeningNeeded'],
  advisories: 'any',
  maxCollateralAgeSeconds: 30 * 86_400,
  maxEvidenceAgeSeconds: 3600,
  nonce: 'report',
  pinnedImages: 'report',
  modelDigest: 'ignored',
  tls: 'ignored',
  gpu: 'ifPresent',
  maxTokensPerByte: 1,
}

/** The default, and on a devnet its own simulated machine beside what the user allows. */
export function devnetPolicy(policy: Policy, trust: SimulatedTeeTrust): Policy {
  const { measurements, apps } = policy
  const { mrtd, rtmr0, rtmr1, rtmr2, osImageHash, composeHash } = trust
  const own = { name: 'simulated', mrtd, rtmr0, rtmr1, rtmr2, osImageHash }
  return {
    ...policy,
    measurements: measurements === 'any' ? measurements : [...measurements, own],
    apps: apps === 'any' ? apps : [...apps, composeHash],
  }
}

type Check = (value: unknown) => boolean

const isHex =
  (digits: number): Check =>
  (value) =>
    typeof value === 'string' && value.length === digits && /^[0-9a-f]*$/.test(value)
const isOneOf =
  (...allowed: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && allowed.includes(value)
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const either =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value))
const isSeconds: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isShare: Check = (value) => typeof value === 'number' && value > 0 && value <= 1
const isText: Check = (value) => typeof value === 'string'

const MEASUREMENT: Record<keyof AllowedMeasurement, Check> = {
  name: isText,
  mrtd: isHex(96),
  rtmr0: isHex(96),
  rtmr1: isHex(96),
  rtmr2: isHex(96),
  osImageHash: isHex(64),
}

const isMeasurement: Check = (value) =>
  typeof value === 'object' && value !== null && 'mrtd' in value && faultyField(value, MEASUREMENT) === null

const FIELDS: Record<keyof Policy, Check> = {
  v: (value) => value === 1,
  measurements: either(isOneOf('any'), isListOf(isMeasurement)),
  apps: either(isOneOf('any'), isListOf(isHex(64))),
  tcbStatuses: isListOf(isOneOf(...TCB_STATUSES)),
  advisories: either(isOneOf('any'), isListOf(isText)),
  maxCollateralAgeSeconds: isSeconds,
  maxEvidenceAgeSeconds: isSeconds,
  nonce: isOneOf('required', 'report'),
  pinnedImages: isOneOf('required', 'report'),
  modelDigest: isOneOf('required', 'report', 'ignored'),
  tls: isOneOf('required', 'report', 'ignored'),
  gpu: isOneOf('required', 'ifPresent', 'ignored'),
  maxTokensPerByte: isShare,
}

/**
 * Reads a policy file: the fields of `policy.schema.json`, each with the default's value where it is left out.
 * @throws AppError `policy_malformed` (exit 30): a word that is not understood could be one that restricts
 */
export function parsePolicy(text: string): Policy {
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformedPolicy('it is no JSON object')
  const { $schema: _schema, ...fields } = value as Record<string, unknown>
  const fault = faultyField(fields, FIELDS)
  if (fault !== null)
    throw malformedPolicy(`"${fault}" is not a field it may have, or has a value it may not have`)
  return { ...DEFAULT_POLICY, ...(fields as Partial<Policy>) }
}

/** The first field that is unknown or wrong, or null. */
function faultyField(value: object, checks: Readonly<Record<string, Check>>): string | null {
  const fault = Object.entries(value).find(
    ([name, item]) => !Object.hasOwn(checks, name) || !checks[name]!(item),
  )
  return fault ? fault[0] : null
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw malformedPolicy('it is no JSON', error)
  }
}

const malformedPolicy = (why: string, cause?: unknown): AppError =>
  new AppError({
    code: 'policy_malformed',
    message: `The policy cannot be used: ${why}`,
    hint: 'Its form is policy.schema.json in the folder attestation of the package. For example {"v": 1, "gpu": "required"}',
    next: '0g-compute help trust',
    exitCode: EXIT.malformed,
    ...(cause !== undefined && { cause }),
  })
