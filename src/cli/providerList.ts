import { format0GPerMillion } from '../base/units.ts'
import type { Service } from '../chain/inference.ts'
import type { Compute } from '../client/compute.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  options: [
    ['--sort <by>', 'price (default) or latency'],
    ['--type <type>', 'chatbot, text-to-image, …'],
    ['--no-probe', 'read the chain only, ask no provider'],
  ],
  examples: ['0g-compute provider list', '0g-compute provider list --sort latency --json'],
  notes: 'Prices are 0G per million tokens, as registered on chain.',
  async run(context, input) {
    const { out } = context
    const compute = await context.compute({ needsAccount: false })
    const progress = await out.progress('Asking providers')
    const type = input.text('type')
    const services = (await compute.providers()).filter(({ serviceType }) => !type || serviceType === type)
    const probe = input.flag('probe')
    const listed = await Promise.all(services.map((service) => describe(compute, service, probe)))
    progress.stop()
    if (input.text('sort') === 'latency') listed.sort((a, b) => (a.latencyMs ?? 1e9) - (b.latencyMs ?? 1e9))
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
}

async function describe(compute: Compute, service: Service, probe: boolean): Promise<ListedProvider> {
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
  const rows = providers.map((provider) => [
    provider.provider,
    provider.model,
    `${format0GPerMillion(provider.inputPrice)} / ${format0GPerMillion(provider.outputPrice)}`,
    provider.acknowledged ? provider.verifiability : `${provider.verifiability}, not acknowledged`,
    provider.latencyMs === null ? '-' : `${provider.latencyMs} ms`,
  ])
  return table(['provider', 'model', '0G/M in / out', 'verifiable', 'answers in'], rows)
}
