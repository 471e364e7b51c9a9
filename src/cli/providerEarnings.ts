import { counted } from '../base/counted.ts'
import { format0G } from '../base/units.ts'
import { type Earnings, readEarnings } from '../provider/earnings.ts'
import { type CommandDefinition, WIDE } from './framework/definition.ts'
import { aboutBroker } from './provider/aboutBroker.ts'
import { barChart } from './provider/barChart.ts'
import { providerSettings } from './provider/settings.ts'

const DEFAULT_DAYS = 14
const DAY_SECONDS = 86_400

export const command: CommandDefinition = aboutBroker({
  options: [['--days <count>', `so many days back, today included (default ${DEFAULT_DAYS})`], WIDE],
  examples: ['0g-compute provider earnings', '0g-compute provider earnings --days 90 --json'],
  notes:
    'What users were charged for answers, and what the chain paid for trainings, from the ledger of this machine; the broker need not run. Days are UTC.',
  async run(context, input) {
    const { database } = providerSettings(context, input)
    const { out } = context
    const days = input.integer('days', 1) ?? DEFAULT_DAYS
    const today = Math.floor(Date.now() / 1000 / DAY_SECONDS)
    const earnings = await readEarnings(database, (today - days + 1) * DAY_SECONDS)
    const amounts = amountsOf(earnings)
    const total = sum(amounts)
    const tables = await tablesOf(earnings, out.table.bind(out))
    const { answers: earned, trainings } = earnings
    out.result({ days, total, earned, trainings }, (paint) =>
      [
        `${paint.bold(`${format0G(total)} 0G`)} in ${counted(days, 'day')}`,
        barChart(perDay(amounts, today, days)),
        ...(tables.length > 0 ? tables : [paint.dim('Nothing was sold in this time.')]),
      ].join('\n\n'),
    )
    return undefined
  },
})

interface Amount {
  readonly day: string
  /** Neuron. */
  readonly amount: bigint
}

const amountsOf = ({ answers, trainings }: Earnings): Amount[] => [
  ...answers.map(({ day, charged }) => ({ day, amount: charged })),
  ...trainings.map(({ day, paid }) => ({ day, amount: paid })),
]

const sum = (amounts: readonly Amount[]): bigint => amounts.reduce((total, { amount }) => total + amount, 0n)

/** Every day, also those without a sale. */
function perDay(amounts: readonly Amount[], today: number, days: number): [string, bigint][] {
  return Array.from({ length: days }, (_, index) => {
    const day = new Date((today - days + 1 + index) * DAY_SECONDS * 1000).toISOString().slice(0, 10)
    return [day, sum(amounts.filter((entry) => entry.day === day))]
  })
}

type Table = (head: readonly string[], rows: readonly (readonly string[])[]) => Promise<string>

/** One for answers and one for trainings, where there are any. */
async function tablesOf({ answers, trainings }: Earnings, table: Table): Promise<string[]> {
  const sold = answers.map(({ model, answers: count, inputTokens, outputTokens, charged }): Figures => {
    return { model, counts: [count, inputTokens, outputTokens], amount: charged }
  })
  const trained = trainings.map(({ model, tasks, tokens, paid }): Figures => {
    return { model: model ?? 'from scratch', counts: [tasks, tokens], amount: paid }
  })
  return [
    ...(sold.length > 0
      ? [await table(['model', 'answers', 'tokens in', 'tokens out', '0G'], byModel(sold))]
      : []),
    ...(trained.length > 0
      ? [await table(['training of', 'tasks', 'tokens a pass', '0G'], byModel(trained))]
      : []),
  ]
}

interface Figures {
  readonly model: string
  readonly counts: readonly number[]
  /** Neuron. */
  readonly amount: bigint
}

/** The days of each model together, what earned most first. */
function byModel(entries: readonly Figures[]): string[][] {
  const models = new Map<string, Figures>()
  for (const entry of entries) {
    const { counts, amount } = models.get(entry.model) ?? { counts: entry.counts.map(() => 0), amount: 0n }
    models.set(entry.model, {
      model: entry.model,
      counts: counts.map((count, index) => count + entry.counts[index]!),
      amount: amount + entry.amount,
    })
  }
  return [...models.values()]
    .sort((a, b) => (a.amount < b.amount ? 1 : -1))
    .map(({ model, counts, amount }) => [model, ...counts.map(String), format0G(amount)])
}
