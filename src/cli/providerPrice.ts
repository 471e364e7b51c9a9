import { readFileSync, writeFileSync } from 'node:fs'
import { AppError, EXIT } from '../base/errors.ts'
import { format0GPerMillion } from '../base/units.ts'
import { askBroker } from '../provider/admin/adminClient.ts'
import { readAdminFile } from '../provider/admin/adminFile.ts'
import { pricesOf } from '../provider/config/resolve.ts'
import type { PriceOptions } from '../provider/server/priceBook.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { providerSettings, SETTINGS_OPTIONS } from './provider/settings.ts'
import { withPrices } from './provider/withPrices.ts'

export const command: CommandDefinition = {
  options: [
    ['--input <0G>', 'per million prompt tokens'],
    ['--output <0G>', 'per million answer tokens'],
    ...SETTINGS_OPTIONS,
  ],
  examples: ['0g-compute provider price', '0g-compute provider price --input 0.08 --output 0.3'],
  notes:
    'Shows the prices, or changes them: in the configuration file, in the broker that runs, and on chain. Requests that run keep the price that they were admitted at.',
  async run(context, input) {
    const { out } = context
    const changes = { input: input.text('input'), output: input.text('output') }
    const { config, file, dataDir } = providerSettings(context, input, { prices: changes } as object)
    const prices = pricesOf(config)
    const isChange = changes.input !== undefined || changes.output !== undefined
    const changed: string[] = []
    if (isChange) {
      if (file) {
        writeFileSync(file, withPrices(readFileSync(file, 'utf8'), changes))
        changed.push(file)
      }
      if (isRunning(dataDir)) {
        await askBroker(dataDir, 'POST', '/prices', config.prices)
        changed.push('the broker and the chain')
      }
      if (changed.length === 0) throw nothingToChange()
    }
    out.result({ ...asText(prices), changed }, () =>
      [
        `${format0GPerMillion(prices.input)} / ${format0GPerMillion(prices.output)} 0G per million tokens in / out`,
        ...Object.entries(prices.models ?? {}).map(
          ([id, own]) => `  ${id}: ${format0GPerMillion(own.input)} / ${format0GPerMillion(own.output)}`,
        ),
        ...(isChange ? [`Changed in ${changed.join(', ')}.`] : []),
      ].join('\n'),
    )
    return undefined
  },
}

function isRunning(dataDir: string): boolean {
  try {
    readAdminFile(dataDir)
    return true
  } catch {
    return false
  }
}

const asText = ({ input, output, models }: PriceOptions) => ({
  input: input.toString(),
  output: output.toString(),
  ...(models && {
    models: Object.fromEntries(
      Object.entries(models).map(([id, own]) => [
        id,
        { input: own.input.toString(), output: own.output.toString() },
      ]),
    ),
  }),
})

const nothingToChange = (): AppError =>
  new AppError({
    code: 'provider_not_running',
    message: 'There is neither a configuration file nor a broker that runs',
    hint: 'Write a file with these prices, or start the broker first',
    next: '0g-compute provider init',
    exitCode: EXIT.usage,
  })
