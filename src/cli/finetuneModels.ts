import { format0G, format0GPerMillion } from '../base/units.ts'
import { type CommandDefinition, WIDE } from './framework/definition.ts'

export const command: CommandDefinition = {
  options: [WIDE],
  examples: ['0g-compute finetune models', '0g-compute finetune models --json'],
  notes: 'Prices are per million tokens of one pass.',
  async run(context) {
    const { out } = context
    const { finetune } = await context.compute({ needsAccount: false })
    const offers = (await finetune.offers()).flatMap(({ service, terms, models }) =>
      models.map((model) => ({
        model: model.name,
        provider: service.provider,
        methods: terms?.methods.includes('scratch') ? [...model.methods, 'scratch'] : model.methods,
        pricePerToken: service.pricePerToken * BigInt(model.coefficient),
        storageFee: model.storageFee,
        busy: service.occupied,
        escrow: terms !== null,
        description: model.description,
      })),
    )
    const table = await out.table(
      ['model', '0G/M tokens', '+ a task', 'methods', 'provider'],
      offers.map(({ model, pricePerToken, storageFee, methods, provider }) => [
        model ?? '',
        format0GPerMillion(pricePerToken),
        format0G(storageFee),
        methods.join(' '),
        provider,
      ]),
    )
    out.result({ models: offers }, (paint) =>
      offers.length > 0 ? table : paint.dim('Nobody who answers offers fine-tuning here.'),
    )
    if (offers[0])
      out.next(`0g-compute finetune create --model ${offers[0].model} --dataset data.jsonl --dry-run`)
    return undefined
  },
}
