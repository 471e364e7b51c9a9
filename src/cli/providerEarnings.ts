import { format0G } from '../base/units.ts'
import { type Earned, readEarnings } from '../provider/earnings.ts'
import { type CommandDefinition, WIDE } from './framework/definition.ts'
import { barChart } from './provider/barChart.ts'
import { providerSettings, SETTINGS_OPTIONS } from './provider/settings.ts'

const DEFAULT_DAYS = 14
const DAY_SECONDS = 86_400

export const command: CommandDefinition = {
  options: [
    ['--days <count>', `so many days back, today included (default ${DEFAULT_DAYS})`],
    ...SETTINGS_OPTIONS,
    WIDE,
  ],
  examples: ['0g-compute provider earnings', '0g-compute provider earnings --days 90 --json'],
  notes: 'What users were charged, from the ledger of this machine; the broker need not run. Days are UTC.',
  async run(context, input) {
    const { database } = providerSettings(context, input)
    const { out } = context
    const days = input.integer('days', 1) ?? DEFAULT_DAYS
    const today = Math.floor(Date.now() / 1000 / DAY_SECONDS)
    const earned = await readEarnings(database, (today - days + 1) * DAY_SECONDS)
    const total = sum(earned)
    const table = await out.table(
      ['model', 'answers', 'tokens in', 'tokens out', '0G'],
      byModel(earned).map(({ model, answers, inputTokens, outputTokens, charged }) => [
        model,
        String(answers),
        String(inputTokens),
        String(outputTokens),
        format0G(charged),
      ]),
    )
    out.result({ days, total, earned }, (paint) =>
      [
        `${paint.bold(`${format0G(total)} 0G`)} in ${days} days`,
        '',
        barChart(perDay(earned, today, days)),
        '',
        earned.length ? table : paint.dim('Nothing was sold in this time.'),
      ].join('\n'),
    )
    return undefined
  },
}

const sum = (earned: readonly Earned[]): bigint => earned.reduce((total, { charged }) => total + charged, 0n)

/** Every day, also those without a sale. */
function perDay(earned: readonly Earned[], today: number, days: number): [string, bigint][] {
  return Array.from({ length: days }, (_, index) => {
    const day = new Date((today - days + 1 + index) * DAY_SECONDS * 1000).toISOString().slice(0, 10)
    return [day, sum(earned.filter((entry) => entry.day === day))]
  })
}

function byModel(earned: readonly Earned[]): Earned[] {
  const models = new Map<string, Earned>()
  for (const entry of earned) {
    const known = models.get(entry.model)
    models.set(
      entry.model,
      known
        ? {
            ...known,
            answers: known.answers + entry.answers,
            inputTokens: known.inputTokens + entry.inputTokens,
            outputTokens: known.outputTokens + entry.outputTokens,
            charged: known.charged + entry.charged,
          }
        : entry,
    )
  }
  return [...models.values()].sort((a, b) => (a.charged < b.charged ? 1 : -1))
}
