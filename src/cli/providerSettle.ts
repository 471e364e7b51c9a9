import { counted } from '../base/counted.ts'
import { EXIT } from '../base/errors.ts'
import { format0G } from '../base/units.ts'
import { askBroker } from '../provider/admin/adminClient.ts'
import type { SettlementReport } from '../provider/settlement/report.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { aboutBroker, alike } from './provider/aboutBroker.ts'
import { providerSettings } from './provider/settings.ts'

/** A report as it came over HTTP: amounts are decimal text. */
type ReportJson = Pick<SettlementReport, 'waiting'> & {
  readonly paid: string
  readonly payments: readonly object[]
  readonly transactions: readonly {
    readonly txHash: string
    readonly gasUsed: string
    readonly payers: number
  }[]
  readonly problem: { readonly code: string; readonly message: string } | null
}

export const command: CommandDefinition = aboutBroker({
  examples: ['0g-compute provider settle'],
  notes:
    'Brings everything that users owe to the chain now, without waiting for the interval or the minimum.',
  async run(context, input) {
    const { dataDir } = providerSettings(context, input)
    const { out } = context
    const progress = await out.progress('Settling')
    const report = await askBroker<ReportJson>(dataDir, 'POST', '/settle').finally(() => progress.stop())
    const { paid, payments, transactions, waiting, problem } = report
    out.result({ ...report, problem: problem && { code: problem.code, message: problem.message } }, (paint) =>
      [
        `${format0G(BigInt(paid))} 0G paid by ${counted(payments.length, 'user')}`,
        ...transactions.map(
          ({ txHash, payers, gasUsed }) =>
            `  ${txHash}  ${paint.dim(`${counted(payers, 'payer')}, gas ${gasUsed}`)}`,
        ),
        ...waiting.map(({ user, reason }) => `  ${paint.yellow('waits')}  ${user}: ${reason}`),
        ...(problem ? [`  ${paint.red(problem.message)} ${paint.dim('It is tried again by itself.')}`] : []),
      ].join('\n'),
    )
    if (problem) return EXIT.failed
    out.next(alike(context, input, '0g-compute provider earnings'))
    return undefined
  },
})
