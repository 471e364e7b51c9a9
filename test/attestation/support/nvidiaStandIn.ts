import { createHash, randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, type JSONWebKeySet, type JWTPayload, SignJWT } from 'jose'
import type { NvidiaVerifier } from '../../../src/attestation/checkService.ts'
import { NVIDIA_ISSUER } from '../../../src/attestation/nvidiaToken.ts'

const HOUR_S = 3600

/** How this stand-in for NVIDIA's verifier should misbehave. */
export interface NvidiaFaults {
  readonly overall?: JWTPayload
  readonly device?: JWTPayload
  /** Signed with a key that is not in the published set. */
  readonly forged?: 'overall' | 'device'
  /** Device tokens that the overall token does not name. */
  readonly unnamed?: boolean
  readonly devices?: number
  readonly issuer?: string
  readonly issuedAt?: number
  readonly answer?: unknown
  readonly unreachable?: boolean
  readonly noKeys?: boolean
}

const KEYS = { nvidia: await generateKeyPair('ES384'), other: await generateKeyPair('ES384') }
const JWKS: JSONWebKeySet = {
  keys: [{ ...(await exportJWK(KEYS.nvidia.publicKey)), kid: 'nvidia', alg: 'ES384', use: 'sig' }],
}

export const TRUE_CLAIMS = [
  'secboot',
  'x-nvidia-gpu-arch-check',
  'x-nvidia-gpu-attestation-report-nonce-match',
  'x-nvidia-gpu-attestation-report-signature-verified',
  'x-nvidia-gpu-driver-rim-signature-verified',
  'x-nvidia-gpu-vbios-rim-signature-verified',
] as const

/** Speaks as NVIDIA's verifier does, with a key of its own; knows nothing of GPUs. @param now ms */
export function nvidiaStandIn(now: number, faults: NvidiaFaults = {}): NvidiaVerifier {
  return {
    keys: async () => (faults.noKeys ? { keys: [] } : JWKS),
    async attest(payload) {
      if (faults.unreachable) throw new Error('no connection')
      if (faults.answer !== undefined) return faults.answer
      const { nonce, evidence_list: list } = JSON.parse(payload) as {
        nonce: string
        evidence_list: unknown[]
      }
      return answer(nonce, faults.devices ?? list.length, Math.floor((faults.issuedAt ?? now) / 1000), faults)
    },
  }
}

async function answer(nonce: string, count: number, seconds: number, faults: NvidiaFaults): Promise<unknown> {
  const devices: Record<string, string> = {}
  const submods: Record<string, unknown> = {}
  for (let index = 0; index < count; index++) {
    const claims = {
      ...Object.fromEntries(TRUE_CLAIMS.map((claim) => [claim, true])),
      eat_nonce: nonce,
      measres: 'success',
      dbgstat: 'disabled',
      hwmodel: 'GH100',
      ...faults.device,
    }
    const token = await sign(claims, seconds, faults, faults.forged === 'device')
    devices[`GPU-${index}`] = token
    const digest = createHash('sha256').update(token).digest('hex')
    submods[`GPU-${index}`] = ['DIGEST', ['SHA-256', faults.unnamed ? '00'.repeat(32) : digest]]
  }
  const platform = { eat_nonce: nonce, 'x-nvidia-overall-att-result': true, submods, ...faults.overall }
  return [['JWT', await sign(platform, seconds, faults, faults.forged === 'overall')], devices]
}

function sign(claims: JWTPayload, seconds: number, faults: NvidiaFaults, isForged: boolean): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES384', kid: 'nvidia' })
    .setIssuer(faults.issuer ?? NVIDIA_ISSUER)
    .setIssuedAt(seconds)
    .setNotBefore(seconds)
    .setExpirationTime(seconds + HOUR_S)
    .sign(isForged ? KEYS.other.privateKey : KEYS.nvidia.privateKey)
}

/** GPU evidence with the head of a real SPDM measurement request. @param nonces of the reports, 64 hex digits */
export const gpuPayload = (nonce: string, nonces: readonly string[] = [nonce]): string =>
  JSON.stringify({
    nonce,
    evidence_list: nonces.map((own) => ({
      certificate: Buffer.from('-----BEGIN CERTIFICATE-----').toString('base64'),
      evidence: Buffer.concat([Buffer.from(`11e001ff${own}`, 'hex'), randomBytes(64)]).toString('base64'),
      arch: 'HOPPER',
    })),
    arch: 'HOPPER',
  })
