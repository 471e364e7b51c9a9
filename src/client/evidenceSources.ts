import type { JSONWebKeySet } from 'jose'
import type { NvidiaVerifier } from '../attestation/checkService.ts'
import { NVIDIA_ATTEST_URL, NVIDIA_KEYS_URL } from '../attestation/nvidiaToken.ts'
import type { TdxQuote } from '../attestation/tdxQuote.ts'
import { readText } from './brokerApi.ts'
import { malformedAnswer } from './brokerError.ts'
import type { HttpRequest, Runtime } from './runtime.ts'

const TIMEOUT_MS = 15_000

/**
 * Intel's statements about a quote's platform, from a public cache. They are signed, so the cache can only withhold
 * them.
 * @throws when the cache does not answer
 */
export async function fetchCollateral({ bytes }: TdxQuote): Promise<unknown> {
  const { getCollateral, PHALA_PCCS_URL } = (await import('@phala/dcap-qvl')).default
  const tooLate = AbortSignal.timeout(TIMEOUT_MS)
  return Promise.race([
    getCollateral(PHALA_PCCS_URL, bytes),
    new Promise<never>((_, reject) => {
      tooLate.addEventListener('abort', () => reject(malformedAnswer(PHALA_PCCS_URL)), { once: true })
    }),
  ])
}

/** NVIDIA's verifier, asked by this client itself: a provider must not grade its own GPU. */
export function nvidiaVerifier(runtime: Runtime): NvidiaVerifier {
  const ask = async (request: Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'>): Promise<unknown> => {
    const limits = {
      headersTimeoutMs: TIMEOUT_MS,
      bodyTimeoutMs: TIMEOUT_MS,
      signal: AbortSignal.timeout(2 * TIMEOUT_MS),
    }
    const response = await runtime.request({ ...request, ...limits })
    const text = await readText(response, request.url)
    if (response.status !== 200) throw malformedAnswer(request.url)
    return JSON.parse(text) as unknown
  }
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  return {
    attest: (payload) =>
      ask({ method: 'POST', url: NVIDIA_ATTEST_URL, headers, body: new TextEncoder().encode(payload) }),
    keys: async () => (await ask({ method: 'GET', url: NVIDIA_KEYS_URL })) as JSONWebKeySet,
  }
}
