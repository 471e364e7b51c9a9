import { isUnattested } from '../attestation/signers.ts'
import type { Service } from '../chain/inference.ts'
import type { Compute } from '../client/compute.ts'
import type { Sort } from '../client/routing/preferences.ts'
import { isWanted } from '../client/routing/rank.ts'
import { registeredPrices, type SoldUnit, unitOfType } from '../client/serviceTypes.ts'
import { type ProviderStatus, readStatuses, statusOf } from '../client/statusApi.ts'
import { type CommandDefinition, WIDE } from './framework/definition.ts'
import { preferencesOf, ROUTING_OPTIONS } from './framework/routing.ts'
import { comparison, renderComparison, usdRateOf } from './provider/compare.ts'
import { renderPrices } from './render/prices.ts'

export const command: CommandDefinition = {
  options: [
    ...ROUTING_OPTIONS,
    ['--type <type>', 'chatbot, text-to-image, speech-to-text, …'],
    ['--compare', 'US dollars per million tokens, beside list prices of others'],
    ['--usd-rate <USD>', 'US dollars for 1 0G, for --compare'],
    ['--no-probe', 'read the chain only, ask no provider'],
    WIDE,
  ],
  examples: [
    '0g-compute provider list',
    '0g-compute provider list --sort latency --max-price 0.5',
    '0g-compute provider list --deny 0xf07240Efa67755B5311bc75784a061eDB47165Dd --wide',
    '0g-compute provider list --compare --usd-rate 0.5',
  ],
  notes: `Prices are 0G per million tokens, or per image or second where a service sells those, as registered on chain.
--max-price and --compare are about tokens.`,
  async run(context, input) {
    const { out } = context
    const preferences = preferencesOf(input)
    const compares = input.flag('compare')
    const rate = compares ? usdRateOf(input.text('usdRate') ?? context.settings.get('usd-rate')) : null
    const compute = await context.compute({ needsAccount: false })
    const progress = await out.progress('Asking providers')
    const type = input.text('type')
    const known = await compute.providers()
    const services = known.filter(
      (service) =>
        (!type || service.serviceType === type) &&
        isWanted({ service, prices: registeredPrices(service) }, preferences),
    )
    const probe = input.flag('probe') && !compares
    const { statusUrl } = context.network
    const statuses = probe && statusUrl ? await readStatuses(statusUrl) : new Map()
    const listed = await Promise.all(services.map((service) => describe(compute, service, probe, statuses)))
    progress.stop()
    listed.sort(ORDERS[preferences.sort ?? 'price'])
    if (rate) {
      const compared = comparison(
        listed.filter(({ unit }) => unit === 'token'),
        rate,
      )
      const text = out.json ? '' : await renderComparison(compared, out.table.bind(out))
      out.result({ network: context.network.name, ...compared }, () => text)
      return undefined
    }
    const table = out.json || listed.length === 0 ? '' : await renderTable(listed, out.table.bind(out))
    out.result({ network: context.network.name, providers: listed }, () => table || nobody(known.length))
    const best = probe ? listed.find(({ latencyMs }) => latencyMs !== null) : listed[0]
    if (best) out.next(`0g-compute ${USES[best.unit]} --provider ${best.provider}`)
    else if (listed.length > 0) out.next('0g-compute doctor')
    return undefined
  },
}

/** What a provider is asked with. */
const USES: Readonly<Record<SoldUnit, string>> = {
  token: 'infer "…"',
  image: 'image "…"',
  second: 'transcribe …',
}

interface ListedProvider {
  readonly provider: string
  readonly type: string
  readonly model: string
  /** What is sold; neuron for one. Of images and seconds one of the two prices is set. */
  readonly unit: SoldUnit
  readonly inputPrice: bigint
  readonly outputPrice: bigint
  readonly url: string
  readonly verifiability: string
  /** Whether a signer stands on chain; who has none is paid by vouchers. */
  readonly tee: boolean
  readonly acknowledged: boolean
  /** null when it does not answer, or was not asked. */
  readonly latencyMs: number | null
  /** By the network's own monitoring; null where it says nothing. */
  readonly status: ProviderStatus | null
}

/** Those of the same place keep the order of their prices. */
const ORDERS: Record<Sort, (a: ListedProvider, b: ListedProvider) => number> = {
  price: () => 0,
  latency: (a, b) => (a.latencyMs ?? 1e9) - (b.latencyMs ?? 1e9),
  verifiability: (a, b) => Number(isVerifiable(b)) - Number(isVerifiable(a)),
}

const isVerifiable = ({ acknowledged, verifiability }: ListedProvider): boolean =>
  acknowledged && verifiability !== 'none'

async function describe(
  compute: Compute,
  service: Service,
  probe: boolean,
  statuses: ReadonlyMap<string, ProviderStatus>,
): Promise<ListedProvider> {
  return {
    provider: service.provider,
    type: service.serviceType,
    model: service.model,
    unit: unitOfType(service.serviceType),
    inputPrice: service.inputPrice,
    outputPrice: service.outputPrice,
    url: service.url,
    verifiability: service.verifiability || 'none',
    tee: !isUnattested(service),
    acknowledged: service.teeSignerAcknowledged,
    latencyMs: probe ? await latencyOf(compute, service) : null,
    status: statusOf(statuses, service.provider),
  }
}

async function latencyOf(compute: Compute, service: Service): Promise<number | null> {
  const startedAt = performance.now()
  try {
    await compute.offers(service)
    return Math.round(performance.now() - startedAt)
  } catch {
    return null
  }
}

function renderTable(
  providers: readonly ListedProvider[],
  table: (head: readonly string[], rows: readonly (readonly string[])[]) => Promise<string>,
): Promise<string> {
  const isWatched = providers.some(({ status }) => status)
  const isMixed = providers.some(({ unit }) => unit !== 'token')
  const rows = providers.map((provider) => [
    provider.provider,
    ...(isMixed ? [provider.type] : []),
    provider.model,
    renderPrices(registeredPrices({ ...provider, serviceType: provider.type })),
    sayVerifiable(provider),
    provider.latencyMs === null ? '-' : `${provider.latencyMs} ms`,
    ...(isWatched ? [sayStatus(provider.status)] : []),
  ])
  const head = ['provider', ...(isMixed ? ['type'] : []), 'model', '0G in / out', 'verifiable', 'answers in']
  return table(isWatched ? [...head, 'status'] : head, rows)
}

function sayVerifiable({ tee, acknowledged, verifiability }: ListedProvider): string {
  if (!tee) return 'none, no TEE'
  return acknowledged ? verifiability : `${verifiability}, not acknowledged`
}

const nobody = (known: number): string =>
  known === 0
    ? 'Nobody sells anything here yet.'
    : `None of ${known} provider${known === 1 ? '' : 's'} is what you asked for.`

const sayStatus = (status: ProviderStatus | null): string => {
  if (!status) return '-'
  return status.uptime === null ? status.status : `${status.status}, ${status.uptime} % up`
}
