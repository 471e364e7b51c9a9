import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { counted } from '../base/counted.ts'
import { EXIT, type ExitCode } from '../base/errors.ts'
import { format0G } from '../base/units.ts'
import type { Audit, ProviderAudit } from '../client/receipts/audit.ts'
import { type Contradiction, writeDispute } from '../client/receipts/contradiction.ts'
import type { Context } from './framework/context.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  options: [
    ['--provider <address>', 'this provider only'],
    ['--full', 'compare every receipt that a provider lists, not only those that are missing here'],
  ],
  examples: ['0g-compute receipts audit', '0g-compute receipts audit --json'],
  notes: `Exit 10 when something is unexplained, 11 when a provider could not be asked. Charges for answers that were
rejected here, and receipts that do not add up, count as unexplained although they are in every sum. Where a signer
contradicted itself in a way that the contract takes as a proof, a file for receipts dispute is written.`,
  async run(context, input) {
    const { out } = context
    const compute = await context.compute()
    const progress = await out.progress('Comparing receipts with the chain')
    const provider = input.address('provider')
    const audit = await compute
      .audit({ full: input.flag('full'), ...(provider && { provider }) })
      .finally(() => progress.stop())
    const disputes = audit.providers.flatMap(({ contradictions }) => keepDisputes(context, contradictions))
    const providers = audit.providers.map(({ contradictions: _, ...provider }) => ({
      ...provider,
      unreachable: provider.unreachable?.toObject() ?? null,
    }))
    const proof = `Proof of a contradiction${audit.disputable ? ', for the contract' : '; this network takes no disputes'}`
    out.report({ ...audit, providers, disputes }, (paint) =>
      [
        ...audit.providers.map((provider) => renderProvider(provider, paint.red)),
        `Charged ${format0G(audit.charged)} 0G, paid on chain ${format0G(audit.paid)} 0G, not settled yet ${format0G(audit.unsettled)} 0G.`,
        `Difference: ${format0G(audit.difference)} 0G (paid and not settled, less charged)`,
        ...disputes.map((path) => paint.red(`${proof}: ${path}`)),
      ].join('\n'),
    )
    if (disputes.length > 0 && audit.disputable) out.next(`0g-compute receipts dispute ${disputes[0]}`)
    else if (hasRejected(audit)) out.next('0g-compute receipts list')
    return exitCodeOf(audit)
  },
}

/** Writes each as a file. @returns their paths */
function keepDisputes({ paths }: Context, contradictions: readonly Contradiction[]): string[] {
  const folder = join(paths.state, 'disputes')
  return contradictions.map((contradiction) => {
    const { provider, kind, receipts } = contradiction
    const path = join(folder, `${provider.toLowerCase()}-${kind}-${receipts[0]!.receipt.seq}.json`)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(path, writeDispute(contradiction), { mode: 0o600 })
    return path
  })
}

function renderProvider(audit: ProviderAudit, red: (text: string) => string): string {
  return [
    `${audit.provider}: ${counted(audit.receipts, 'receipt')}${audit.fetched > 0 ? ` (${audit.fetched} fetched now)` : ''}, ${counted(audit.settlements.length, 'settlement')}`,
    ...audit.unexplained.map(({ kind, amount, detail }) =>
      red(`  ${kind}: ${format0G(amount)} 0G ${detail}`),
    ),
    ...renderWithoutAnswer(audit.withoutAnswer),
    ...(audit.unreachable
      ? [
          `  not asked: ${audit.unreachable.message}`,
          `  not settled, by its receipts alone: ${format0G(audit.owed)} 0G`,
        ]
      : []),
  ].join('\n')
}

/** Only the user knows who else asks with this wallet. */
const renderWithoutAnswer = ({ receipts, charged }: ProviderAudit['withoutAnswer']): string[] =>
  receipts === 0
    ? []
    : [
        `  ${receipts} of them, ${format0G(charged)} 0G, ${receipts === 1 ? 'has' : 'have'} no answer here: asked by another machine or an API key of this wallet, or lost on the way. What none of these explains was charged for nothing.`,
      ]

const hasRejected = ({ providers }: Audit): boolean =>
  providers.some(({ unexplained }) =>
    unexplained.some(({ kind }) => kind === 'rejected' || kind === 'receipt_wrong'),
  )

function exitCodeOf({ providers }: Audit): ExitCode {
  const isOff = providers.some((audit) => audit.unexplained.length > 0 || audit.contradictions.length > 0)
  if (isOff) return EXIT.rejected
  return providers.some(({ unreachable }) => unreachable !== null) ? EXIT.incomplete : EXIT.ok
}
