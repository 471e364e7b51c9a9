import type { JSONWebKeySet } from 'jose'
import { counted } from '../base/counted.ts'
import { isAddress } from '../base/hex.ts'
import type { Service } from '../chain/inference.ts'
import { isLoopbackUrl } from '../chain/networks.ts'
import { shortHex } from './bytes.ts'
import { imagesOf } from './compose.ts'
import type { Evidence } from './evidence.ts'
import { nvidiaFault } from './nvidiaToken.ts'
import type { Policy } from './policy.ts'
import { isGpuNonceOf, type ReportLayout } from './reportData.ts'
import type { StepList } from './verdict.ts'

/** A model as `GET /v1/models` announces it. */
export interface AnnouncedModel {
  readonly id: string
  /** sha256 of the weights, 64 hex digits. */
  readonly digest: string | null
}

/** The models that are announced are those that the quote vouches for. */
export function checkModels(
  steps: StepList,
  { binding }: Evidence,
  announced: readonly AnnouncedModel[] | null,
  policy: Policy,
): void {
  if (!binding)
    return void lacking(steps, 'model-digest', policy.modelDigest, 'the quote vouches for no weights')
  const bound = new Map(binding.value.models.map(({ id, digest }) => [id, digest]))
  const other = announced?.find(({ id, digest }) => !bound.has(id) || bound.get(id) !== digest)
  if (other) {
    const found = `"${other.id}" is announced with ${other.digest === null ? 'none' : shortHex(other.digest)}`
    return void steps.check(
      'model-digest',
      false,
      'announced models have the digests that the quote vouches for',
      found,
    )
  }
  const unhashed = binding.value.models.filter(({ digest }) => digest === null)
  if (unhashed.length > 0) {
    const names = unhashed.map(({ id }) => `"${id}"`).join(', ')
    return void lacking(
      steps,
      'model-digest',
      policy.modelDigest,
      `the broker did not load the weights of ${names}`,
    )
  }
  steps.check('model-digest', true, `digests of ${counted(bound.size, 'model')}, hashed when loaded`)
}

/** Whether the TLS connection ends where the quote says. @param observed sha256 of the peer's key, 64 hex digits */
export function checkTls(
  steps: StepList,
  { binding }: Evidence,
  url: string,
  observed: string | null,
  policy: Policy,
): void {
  const key = binding?.value.tlsSpki ?? null
  if (key === null) {
    const why = 'TLS does not end in the enclave: the host can read what is not sealed end to end'
    return void lacking(
      steps,
      'tls-key',
      policy.tls,
      isLoopbackUrl(url) ? 'this machine: nothing travels' : why,
    )
  }
  if (observed === null)
    return void steps.missing('tls-key', 'the key of the connection cannot be seen from here')
  steps.check(
    'tls-key',
    observed === key,
    'the connection ends in the enclave',
    `another key, ${shortHex(observed)}: somebody in between ends it`,
  )
}

/** How a client reaches NVIDIA's verifier: directly, never through the provider. */
export interface NvidiaVerifier {
  /** Sends a payload to `NVIDIA_ATTEST_URL`. @returns the answer's JSON, or its text */
  attest(payload: string): Promise<unknown>
  /** Pinned keys, or those at `NVIDIA_KEYS_URL`. */
  keys(): Promise<JSONWebKeySet>
}

/** GPU evidence was made for this very quote, and NVIDIA vouches for it. */
export async function checkGpu(
  steps: StepList,
  { gpu, quote }: Evidence,
  layout: ReportLayout | null,
  policy: Policy,
  nvidia: NvidiaVerifier | null,
  now: number,
): Promise<void> {
  if (policy.gpu === 'ignored')
    return void steps.notApplicable('gpu-evidence', 'the policy does not ask for it')
  if (!gpu) {
    if (policy.gpu === 'required')
      return void steps.check('gpu-evidence', false, 'evidence of the GPU', 'there is none')
    return void steps.notApplicable('gpu-evidence', 'the evidence names no GPU')
  }
  const isDerived = isGpuNonceOf(gpu.nonce, quote.report.reportData, layout)
  const isInReports = gpu.devices.every(({ nonce }) => nonce === gpu.nonce)
  const isBound = steps.check(
    'gpu-evidence',
    isDerived && isInReports,
    "the GPU's nonce comes from the quote, and the GPU signed it",
    isDerived ? 'the GPU signed another nonce' : 'another nonce: relayed from elsewhere',
  )
  if (!isBound) return
  if (!nvidia)
    return void steps.missing('gpu-evidence', "bound to the quote; NVIDIA's verifier was not asked")
  const fault = await askNvidia(steps, nvidia, gpu.payload, gpu.nonce, gpu.devices.length, now)
  if (fault !== undefined)
    steps.check(
      'gpu-evidence',
      fault === null,
      'bound to the quote, and NVIDIA vouches for it',
      fault ?? undefined,
    )
}

/** @returns undefined when NVIDIA could not be asked */
async function askNvidia(
  steps: StepList,
  nvidia: NvidiaVerifier,
  payload: string,
  nonce: string,
  devices: number,
  now: number,
): Promise<string | null | undefined> {
  let answers: [unknown, JSONWebKeySet]
  try {
    answers = await Promise.all([nvidia.attest(payload), nvidia.keys()])
  } catch {
    steps.missing('gpu-evidence', "bound to the quote; NVIDIA's verifier cannot be reached")
    return undefined
  }
  const [answer, keys] = answers
  return nvidiaFault({ answer, keys, nonce, devices, now })
}

/** What the provider wrote on chain about itself does not contradict the evidence. */
export function checkAdditionalInfo(
  steps: StepList,
  { additionalInfo }: Service,
  { appCompose, form }: Evidence,
): void {
  if (additionalInfo === '') return void steps.notApplicable('additional-info', 'the service states nothing')
  const info = parseInfo(additionalInfo)
  const fault = info ? infoFault(info, appCompose, form) : 'it is no JSON object'
  steps.check(
    'additional-info',
    fault === null,
    "the service's statements fit the evidence",
    fault ?? undefined,
  )
}

function infoFault(
  info: Readonly<Record<string, unknown>>,
  appCompose: string | null,
  form: Evidence['form'],
): string | null {
  const { TEEVerifier, TargetSeparated, TargetTeeAddress, ProviderType, ImageDigest } = info
  const verifier = form === 'cryptopilot' ? 'cryptopilot' : 'dstack'
  if (TEEVerifier !== undefined && TEEVerifier !== verifier)
    return `TEEVerifier is ${JSON.stringify(TEEVerifier)}`
  if (TargetSeparated === true && ProviderType !== 'centralized' && !isAddress(TargetTeeAddress)) {
    return 'the model has a server of its own, and TargetTeeAddress names no signer for it'
  }
  if (typeof ImageDigest !== 'string' || ImageDigest === '') return null
  const images = appCompose === null ? null : imagesOf(appCompose)
  const isRun = images?.pinned.some((image) => image.endsWith(ImageDigest)) ?? false
  return isRun ? null : `the compose file does not run the image ${ImageDigest}`
}

function parseInfo(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

function lacking(steps: StepList, name: string, demand: Policy['tls'], why: string): void {
  if (demand === 'required') return void steps.check(name, false, 'the policy requires it', why)
  if (demand === 'report') return void steps.missing(name, why)
  steps.notApplicable(name, why)
}
