import type { Address } from '../base/hex.ts'

/** How the network's own monitoring sees a provider. */
export interface ProviderStatus {
  readonly status: 'healthy' | 'warning' | 'critical' | 'unknown'
  /** Percent. */
  readonly uptime: number | null
}

const TIMEOUT_MS = 10_000
const STATES = ['healthy', 'warning', 'critical'] as const
/** From best to worst: a provider with several models is as well as the worst of them. */
const ORDER = ['healthy', 'unknown', 'warning', 'critical']

/**
 * What the network's status API says of its providers, by address in lower case. It is no part of any decision about
 * money, and who does not answer says nothing.
 * @param url of the API, from the network's profile
 * @see client-wire.md section 1.1
 */
export async function readStatuses(url: string): Promise<ReadonlyMap<string, ProviderStatus>> {
  const statuses = new Map<string, ProviderStatus>()
  for (const entry of await services(url)) {
    const { provider, status, checks } = entry as {
      provider?: unknown
      status?: unknown
      checks?: { uptime?: unknown }
    }
    if (typeof provider !== 'string') continue
    const known = statuses.get(provider.toLowerCase())
    const uptime = typeof checks?.uptime === 'number' ? checks.uptime : null
    const found: ProviderStatus = { status: STATES.find((state) => state === status) ?? 'unknown', uptime }
    if (!known || ORDER.indexOf(found.status) > ORDER.indexOf(known.status))
      statuses.set(provider.toLowerCase(), found)
  }
  return statuses
}

/** @returns the status of one provider, or null where nobody says anything of it */
export const statusOf = (
  statuses: ReadonlyMap<string, ProviderStatus>,
  provider: Address,
): ProviderStatus | null => statuses.get(provider.toLowerCase()) ?? null

async function services(url: string): Promise<readonly object[]> {
  try {
    const response = await fetch(new URL('/health', url), { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const { services: found } = (await response.json()) as { services?: unknown }
    return Array.isArray(found) ? found.filter((entry) => typeof entry === 'object' && entry !== null) : []
  } catch {
    return []
  }
}
