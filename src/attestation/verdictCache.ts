import { sha256 } from 'ethers/crypto'
import type { ProviderEvidence, ProviderVerdict } from './verifyProvider.ts'

type Circumstances = Pick<ProviderEvidence, 'network' | 'service'>

interface Entry {
  readonly document: string
  readonly verdict: ProviderVerdict
  /** ms */
  readonly fetchedAt: number
}

const MAX_ENTRIES = 256

/**
 * Keeps verdicts on providers, so that evidence is checked once and again when it is old. A verdict holds for what
 * was on chain when it was drawn: another signer, URL or statement there is another provider. Rejections are not kept.
 */
export class VerdictCache {
  readonly #entries = new Map<string, Entry>()
  readonly #maxAgeMs: number

  /** @param maxAgeSeconds `maxEvidenceAgeSeconds` of the policy that the verdicts were drawn by */
  constructor(maxAgeSeconds: number) {
    this.#maxAgeMs = maxAgeSeconds * 1000
  }

  /** The verdict on a provider that still holds, or null. @param now ms */
  recall(circumstances: Circumstances, now: number): ProviderVerdict | null {
    return this.#current(circumstances, now)?.verdict ?? null
  }

  /** The verdict that was drawn on this very document, or null. @param now ms */
  recallDocument(circumstances: Circumstances, document: string, now: number): ProviderVerdict | null {
    const entry = this.#current(circumstances, now)
    return entry?.document === digestOf(document) ? entry.verdict : null
  }

  /** @param fetchedAt ms */
  remember(
    circumstances: Circumstances,
    document: string,
    verdict: ProviderVerdict,
    fetchedAt: number,
  ): void {
    if (verdict.outcome === 'rejected') return
    const key = circumstancesText(circumstances)
    this.#entries.delete(key)
    this.#entries.set(key, { document: digestOf(document), verdict, fetchedAt })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > MAX_ENTRIES) this.#entries.delete(oldest!)
  }

  #current(circumstances: Circumstances, now: number): Entry | null {
    const entry = this.#entries.get(circumstancesText(circumstances))
    return entry && now >= entry.fetchedAt && now - entry.fetchedAt <= this.#maxAgeMs ? entry : null
  }
}

const encoder = new TextEncoder()
const digestOf = (document: string): string => sha256(encoder.encode(document))

/** What a verdict holds for, as text. */
export const circumstancesText = ({ network, service }: Circumstances): string =>
  JSON.stringify([
    network.chainId,
    network.inference,
    service.provider,
    service.teeSignerAddress,
    service.teeSignerAcknowledged,
    service.url,
    service.additionalInfo,
  ]).toLowerCase()
