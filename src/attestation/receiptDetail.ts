import { canonicalJson } from '../protocol/canonical.ts'
import type { Counts, Multipliers, UnitClass } from '../protocol/pricing.ts'
import type { ReceiptDetail } from '../protocol/receipt.ts'

const TOKENS: readonly UnitClass[] = ['input', 'cachedInput', 'output']
const ALL_UNITS: readonly UnitClass[] = [...TOKENS, 'image', 'second']
const VERSIONS: readonly unknown[] = [1, 2, 3, 4]
const FIELDS = [
  'v',
  'salt',
  'id',
  'endpoint',
  'model',
  'modelDigest',
  'requestHash',
  'responseHash',
  'responseBytes',
  'status',
  'counts',
  'prices',
  'multipliers',
  'evidence',
]

/**
 * Reads a receipt's detail: version 1 to 4, its fields and no others, in canonical form (so that two readers cannot
 * understand it differently). What breaks this is null.
 */
export function parseReceiptDetail(text: string): ReceiptDetail | null {
  try {
    const detail = JSON.parse(text) as ReceiptDetail
    return isDetail(detail) && canonicalJson(detail) === text ? detail : null
  } catch {
    return null
  }
}

function isDetail(detail: unknown): detail is ReceiptDetail {
  if (!isObject(detail)) return false
  const sealed = detail.v === 2 || detail.v === 4
  const fields = sealed ? [...FIELDS, 'sealed'] : FIELDS
  if (Object.keys(detail).length !== fields.length) return false
  if (!fields.every((field) => Object.hasOwn(detail, field))) return false
  const d = detail as unknown as ReceiptDetail
  const units = d.v >= 3 ? ALL_UNITS : TOKENS
  return (
    VERSIONS.includes(d.v) &&
    (!sealed || isSealed(d.sealed)) &&
    isHex(d.salt, 32) &&
    isHex(d.id, 32) &&
    typeof d.endpoint === 'string' &&
    typeof d.model === 'string' &&
    (d.modelDigest === null || isHex(d.modelDigest, 64)) &&
    isHex(d.requestHash, 64) &&
    isHex(d.responseHash, 64) &&
    isCount(d.responseBytes) &&
    (d.status === 'complete' || d.status === 'partial') &&
    isCounts(d.counts, units) &&
    hasUnits(d.prices, units, (price) => typeof price === 'string' && /^(0|[1-9]\d{0,38})$/.test(price)) &&
    isMultipliers(d.multipliers, units) &&
    isHex(d.evidence, 64)
  )
}

const isSealed = (value: unknown): boolean =>
  isObject(value) &&
  Object.keys(value).length === 3 &&
  isHex(value.requestHash, 64) &&
  isHex(value.responseHash, 64) &&
  typeof value.stream === 'boolean'

type Units = readonly UnitClass[]

const isCounts = (value: unknown, units: Units): value is Counts => hasUnits(value, units, isCount)

const isMultipliers = (value: unknown, units: Units): value is Multipliers =>
  hasUnits(
    value,
    units,
    (pair) => Array.isArray(pair) && pair.length === 2 && isCount(pair[0]) && isCount(pair[1]) && pair[1] > 0,
  )

function hasUnits(value: unknown, units: Units, accepts: (item: unknown) => boolean): boolean {
  if (!isObject(value)) return false
  return Object.entries(value).every(([unit, item]) => units.includes(unit as UnitClass) && accepts(item))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const isHex = (value: unknown, digits: number): boolean =>
  typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value)
