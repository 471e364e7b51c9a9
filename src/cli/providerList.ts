import { larger } from '../base/bigint.ts'
import { format0GPerMillion } from '../base/units.ts'
import type { Service } from '../chain/inference.ts'
import type { Compute } from '../client/compute.ts'
import { SORTS, type Sort } from '../client/routing/preferences.ts'
import { type ProviderStatus, readStatuses, statusOf } from '../client/statusApi.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { asSort } from './framework/routing.ts'
import { comparison, renderComparison, usdRateOf } from './provider/compare.ts'

export const command: CommandDefinition = {
  options: [
    ['--sort <by>', `${SORTS.join(', ')} (default price)`],
    ['--max-price <0G>', 'per million tokens: dearer ones are left out'],
    ['--type <type>', 'chatbot, text-to-image, …'],
    ['--compare', 'US dollars per million tokens, beside list prices of others'],
    ['--usd-rate <USD>', 'US dollars for 1 0G, for --compare'],
    ['--no-probe', 'read the chain only, ask no provider'],
  ],
  examples: [
    '0g-compute provider list',
    '0g-compute provider list --sort latency --json',
    '0g-compute provider list --compare --usd-rate 0.5',
  ],
  notes: 'Prices are 0G per million tokens, as registered on chain.',
  async run(context, input) {
    const { out } = context
    const sort = asSort(input.text('sort') ?? 'price')
    const maxPrice = input.amount('maxPrice')
    const compares = input.flag('compare')
    const rate = compares ? usdRateOf(input.text('usdRate') ?? context.settings.get('usd-rate')) : null
    const compute = await context.compute({ needsAccount: false })
    const progress = await out.progress('Asking providers')
    const type = input.text('type')
    const services = (await compute.providers()).filter(
      (service) => (!type || service.serviceType === type) && isWithin(service, maxPrice),
    )
    const probe = input.flag('probe') && !compares
    const { statusUrl } = context.network
    const statuses = probe && statusUrl ? await readStatuses(statusUrl) : new Map()
    const listed = await Promise.all(services.map((service) => describe(compute, service, probe, statuses)))
    progress.stop()
    listed.sort(ORDERS[sort])
    if (rate) {
      const compared = comparison(listed, rate)
      const text = out.json ? '' : await renderComparison(compared, out.table.bind(out))
      out.result({ network: context.network.name, ...compared }, () => text)
      return undefined
    }
    const table = out.json ? '' : await renderTable(listed, out.table.bind(out))
    out.result({ network: context.network.name, providers: listed }, () => table)
    if (listed.length > 0) out.next(`0g-compute infer "…" --provider ${listed[0]!.provider}`)
    return undefined
  },
}

interface ListedProvider {
  readonly provider: string
  readonly type: string
  readonly model: string
  /** Neuron per token. */
  readonly inputPrice: bigint
  readonly outputPrice: bigint
  readonly url: string
  readonly verifiability: string
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

/** @param maxPrice neuron per million tokens */
const isWithin = ({ inputPrice, outputPrice }: Service, maxPrice: bigint | undefined): boolean =>
  maxPrice === undefined || larger(inputPrice, outputPrice) * 1_000_000n <= maxPrice

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
    inputPrice: service.inputPrice,
    outputPrice: service.outputPrice,
    url: service.url,
    verifiability: service.verifiability || 'none',
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
): Promise<string> | string {
  if (providers.length === 0) return 'Nobody sells anything here yet.'
  const isWatched = providers.some(({ status }) => status)
  const rows = providers.map((provider) => [
    provider.provider,
    provider.model,
    `${format0GPerMillion(provider.inputPrice)} / ${format0GPerMillion(provider.outputPrice)}`,
    provider.acknowledged ? provider.verifiability : `${provider.verifiability}, not acknowledged`,
    provider.latencyMs === null ? '-' : `${provider.latencyMs} ms`,
    ...(isWatched ? [sayStatus(provider.status)] : []),
  ])
  const head = ['provider', 'model', '0G/M in / out', 'verifiable', 'answers in']
  return table(isWatched ? [...head, 'status'] : head, rows)
}

const sayStatus = (status: ProviderStatus | null): string => {
  if (!status) return '-'
  return status.uptime === null ? status.status : `${status.status}, ${status.uptime} % up`
}
