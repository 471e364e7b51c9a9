import type { AnnouncedModel } from '../../attestation/checkService.ts'
import { expectedSigners } from '../../attestation/signers.ts'
import type { Service } from '../../chain/inference.ts'
import { NONCE_BYTES } from '../../protocol/quoteBinding.ts'
import { BrokerApi } from '../brokerApi.ts'
import type { Runtime } from '../runtime.ts'

/** Everything that a provider shows for its keys, as it came. Nothing of it is believed yet. */
export interface GatheredEvidence {
  /** As registered on chain. */
  readonly service: Service
  /** ms */
  readonly fetchedAt: number
  /** Of this client, 64 hex digits. */
  readonly nonce: string
  /** Body of `GET /v1/quote`, or null. */
  readonly document: string | null
  readonly capabilities: string | null
  readonly models: readonly AnnouncedModel[] | null
  /** Report of a model server that signs for itself: null where there is none, or it shows none. */
  readonly modelServer: string | null
  /** sha256 of the TLS key that the connection ended at, 64 hex digits; null where it cannot be seen. */
  readonly tlsSpki: string | null
}

/**
 * Asks a provider for its evidence, with a nonce of this client.
 * @throws AppError `provider_unreachable`, `provider_slow`
 */
export async function gatherEvidence(runtime: Runtime, service: Service): Promise<GatheredEvidence> {
  const broker = new BrokerApi(runtime, service.url)
  const nonce = runtime.randomHex(NONCE_BYTES)
  const [quote, capabilities, models, modelServer] = await Promise.all([
    broker.quote(nonce),
    broker.capabilities(),
    // A provider that lists no models sells the one on chain.
    broker.models().catch(() => null),
    hasModelServer(service) ? broker.modelServerReport(service.model, nonce).catch(() => null) : null,
  ])
  const announced = models?.map(({ id, digest }) => ({ id, digest })) ?? null
  return {
    service,
    fetchedAt: runtime.now(),
    nonce,
    document: quote.text,
    capabilities,
    models: announced,
    modelServer,
    tlsSpki: quote.tlsKey,
  }
}

/** Whether the texts of answers are signed by another enclave than the broker's. */
export function hasModelServer(service: Service): boolean {
  const { text, receipt } = expectedSigners(service)
  return text !== receipt
}
