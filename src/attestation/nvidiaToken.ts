import type { JSONWebKeySet, JWTPayload } from 'jose'
import { sha256Text } from '../protocol/canonical.ts'
import { malformedEvidence } from './malformed.ts'

/** Who NVIDIA's verifier says that it is. */
export const NVIDIA_ISSUER = 'https://nras.attestation.nvidia.com'
/** Where GPU evidence is sent, by the client itself. */
export const NVIDIA_ATTEST_URL = `${NVIDIA_ISSUER}/v3/attest/gpu`
export const NVIDIA_KEYS_URL = `${NVIDIA_ISSUER}/.well-known/jwks.json`

/** Claims of a device's token that have to be true. */
const TRUE_CLAIMS = [
  'secboot',
  'x-nvidia-gpu-arch-check',
  'x-nvidia-gpu-attestation-report-nonce-match',
  'x-nvidia-gpu-attestation-report-signature-verified',
  'x-nvidia-gpu-driver-rim-signature-verified',
  'x-nvidia-gpu-vbios-rim-signature-verified',
]

export interface NvidiaCheck {
  /** The answer of NVIDIA's verifier: `[["JWT", overall], { "GPU-0": device, … }]`, or its text. */
  readonly answer: unknown
  /** NVIDIA's keys, pinned or fetched from NVIDIA. */
  readonly keys: JSONWebKeySet
  /** 64 hex digits. */
  readonly nonce: string
  readonly devices: number
  /** ms */
  readonly now: number
}

/**
 * What is wrong with NVIDIA's attestation of some GPUs, or null: its signatures, its age, its nonce, its result, and
 * for each device secure boot, no debugging, measurements as published. The overall token names each device's by hash.
 * @throws AppError `evidence_malformed` for an answer of another form
 * @see https://docs.nvidia.com/attestation/advanced-documentation/latest/claims-guide/gpu_claims.html
 */
export async function nvidiaFault(check: NvidiaCheck): Promise<string | null> {
  const { overall, devices } = readAnswer(check.answer)
  const platform = await verified(overall, check)
  if (typeof platform === 'string') return `the overall token: ${platform}`
  if (platform['x-nvidia-overall-att-result'] !== true) return 'the overall result is not success'
  const named = digestsOf(platform.submods)
  const names = Object.keys(devices)
  if (names.length !== check.devices || Object.keys(named).length !== check.devices) {
    return `${names.length} devices attested for ${check.devices} in the evidence`
  }
  for (const name of names) {
    if (named[name] !== sha256Text(devices[name]!).slice(2))
      return `${name} is not the device of the overall token`
    const claims = await verified(devices[name]!, check)
    const fault = typeof claims === 'string' ? claims : deviceFault(claims)
    if (fault) return `${name}: ${fault}`
  }
  return null
}

function deviceFault(claims: JWTPayload): string | null {
  const untrue = TRUE_CLAIMS.find((claim) => claims[claim] !== true)
  if (untrue) return `${untrue} is not true`
  if (String(claims.measres).toLowerCase() !== 'success') return 'its measurements are not the published ones'
  return claims.dbgstat === 'disabled' ? null : 'debugging is not disabled'
}

/** Claims of a token that NVIDIA signed, that is in force and carries the nonce; else what is wrong. */
async function verified(token: string, { keys, nonce, now }: NvidiaCheck): Promise<JWTPayload | string> {
  const { createLocalJWKSet, jwtVerify } = await import('jose')
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      algorithms: ['ES384'],
      issuer: NVIDIA_ISSUER,
      requiredClaims: ['exp', 'nbf', 'eat_nonce'],
      currentDate: new Date(now),
    })
    return payload.eat_nonce === nonce ? payload : 'made for another nonce'
  } catch (error) {
    return error instanceof Error ? error.message : 'not verified'
  }
}

function readAnswer(answer: unknown): { overall: string; devices: Readonly<Record<string, string>> } {
  const value = typeof answer === 'string' ? parseJson(answer) : answer
  const [head, devices] = Array.isArray(value) ? value : []
  const overall = Array.isArray(head) && head[0] === 'JWT' ? head[1] : undefined
  if (typeof overall !== 'string' || typeof devices !== 'object' || devices === null) {
    throw malformedEvidence("NVIDIA's answer is no list of tokens")
  }
  if (!Object.values(devices).every((token) => typeof token === 'string')) {
    throw malformedEvidence("NVIDIA's answer is no list of tokens")
  }
  return { overall, devices: devices as Record<string, string> }
}

/** `submods` of a detached bundle: `{ "GPU-0": ["DIGEST", ["SHA-256", hex]] }`. @see RFC 9711 section 4.2.18 */
function digestsOf(submods: unknown): Record<string, string> {
  if (typeof submods !== 'object' || submods === null) return {}
  return Object.fromEntries(
    Object.entries(submods).map(([name, entry]) => {
      const [kind, digest] = Array.isArray(entry) ? entry : []
      const [algorithm, hex] = Array.isArray(digest) ? digest : []
      return [name, kind === 'DIGEST' && algorithm === 'SHA-256' ? String(hex) : '']
    }),
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw malformedEvidence("NVIDIA's answer is no JSON", error)
  }
}
