import { EXIT, type ExitCode } from '../base/errors.ts'
import { format0G } from '../base/units.ts'
import type { Audit, ProviderAudit } from '../client/receipts/audit.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  options: [['--provider <address>', 'this provider only']],
  examples: ['0g-compute receipts audit', '0g-compute receipts audit --json'],
  notes: 'Exit 10 when something is unexplained, 11 when a provider could not be asked.',
  async run(context, input) {
    const { out } = context
    const compute = await context.compute()
    const progress = await out.progress('Comparing receipts with the chain')
    const audit = await compute.audit(input.address('provider')).finally(() => progress.stop())
    const providers = audit.providers.map((provider) => ({
      ...provider,
      unreachable: provider.unreachable?.toObject() ?? null,
    }))
    out.result({ ...audit, providers }, (paint) =>
      [
        ...audit.providers.map((provider) => renderProvider(provider, paint.red)),
        `Charged ${format0G(audit.charged)} 0G, paid on chain ${format0G(audit.paid)} 0G, not settled yet ${format0G(audit.unsettled)} 0G.`,
        `Difference: ${format0G(audit.difference)} 0G`,
      ].join('\n'),
    )
    return exitCodeOf(audit)
  },
}

function renderProvider(audit: ProviderAudit, red: (text: string) => string): string {
  return [
    `${audit.provider}: ${audit.receipts} receipts${audit.fetched > 0 ? ` (${audit.fetched} fetched now)` : ''}, ${audit.settlements.length} settlements`,
    ...audit.unexplained.map(({ kind, amount, detail }) =>
      red(`  ${kind}: ${format0G(amount)} 0G ${detail}`),
    ),
    ...(audit.unreachable ? [`  not asked: ${audit.unreachable.message}`] : []),
  ].join('\n')
}

function exitCodeOf({ providers }: Audit): ExitCode {
  if (providers.some(({ unexplained }) => unexplained.length > 0)) return EXIT.rejected
  return providers.some(({ unreachable }) => unreachable !== null) ? EXIT.incomplete : EXIT.ok
}
