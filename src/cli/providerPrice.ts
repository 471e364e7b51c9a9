import { readFileSync, writeFileSync } from 'node:fs'
import { AppError, EXIT } from '../base/errors.ts'
import { format0GPerMillion } from '../base/units.ts'
import { askBroker } from '../provider/admin/adminClient.ts'
import { readAdminFile } from '../provider/admin/adminFile.ts'
import { pricesOf } from '../provider/config/resolve.ts'
import type { PriceOptions } from '../provider/server/priceBook.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { aboutBroker } from './provider/aboutBroker.ts'
import { type ProviderSettings, providerSettings } from './provider/settings.ts'
import { withValues } from './provider/withValues.ts'

interface Changes {
  readonly input: string | undefined
  readonly output: string | undefined
}

export const command: CommandDefinition = aboutBroker({
  options: [
    ['--input <0G>', 'per million prompt tokens'],
    ['--output <0G>', 'per million answer tokens'],
  ],
  examples: ['0g-compute provider price', '0g-compute provider price --input 0.08 --output 0.3'],
  notes:
    'Shows the prices of the broker that runs, else of the configuration file; or changes them: in the file, in the broker, and on chain. Requests that run keep the price that they were admitted at.',
  async run(context, input) {
    const { out } = context
    const changes: Changes = { input: input.text('input'), output: input.text('output') }
    const settings = providerSettings(context, input, { prices: changes } as object)
    const configured = asText(pricesOf(settings.config))
    const isChange = changes.input !== undefined || changes.output !== undefined
    const changed = isChange ? await change(settings, changes) : []
    const prices = isRunning(settings.dataDir)
      ? await askBroker<PricesText>(settings.dataDir, 'GET', '/prices')
      : configured
    const { input: dear, output, models } = prices
    out.result({ input: dear, output, ...(models && { models }), changed }, () =>
      [
        `${perMillion(dear)} / ${perMillion(output)} 0G per million tokens in / out`,
        ...Object.entries(models ?? {}).map(
          ([id, own]) => `  ${id}: ${perMillion(own.input)} / ${perMillion(own.output)}`,
        ),
        ...(isChange ? [`Changed in ${changed.join(', ')}.`] : []),
        ...(isChange && !settings.file ? ['No configuration file: the next start knows nothing of it.'] : []),
      ].join('\n'),
    )
    return undefined
  },
})

/** In the file and in the broker that runs, as far as they are there. @returns where */
async function change({ file, dataDir }: ProviderSettings, changes: Changes): Promise<string[]> {
  const changed: string[] = []
  if (file) {
    writeFileSync(file, withValues(readFileSync(file, 'utf8'), 'prices', { ...changes }))
    changed.push(file)
  }
  if (isRunning(dataDir)) {
    await askBroker(dataDir, 'POST', '/prices', changes)
    changed.push('the broker and the chain')
  }
  if (changed.length === 0) throw nothingToChange()
  return changed
}

function isRunning(dataDir: string): boolean {
  try {
    readAdminFile(dataDir)
    return true
  } catch {
    return false
  }
}

/** Neuron per token, as decimal text. */
interface PricesText {
  readonly input: string
  readonly output: string
  readonly models?: Readonly<Record<string, { readonly input: string; readonly output: string }>>
}

const perMillion = (neuron: string): string => format0GPerMillion(BigInt(neuron))

const asText = ({ input, output, models }: PriceOptions): PricesText => ({
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
