import { AppError, EXIT } from '../base/errors.ts'
import { missing, readTrainRequest, TRAIN_OPTIONS } from './finetune/request.ts'
import { runCreate } from './finetune/runCreate.ts'
import type { CommandDefinition } from './framework/definition.ts'
import { readJsonFile } from './framework/readInput.ts'

const DEFAULT_VOCABULARY = 1024
/** As the trainer has it. @see trainer/zg_trainer/job.py */
const LEAST_VOCABULARY = 260

export const command: CommandDefinition = {
  options: [
    ['--config <file>', 'configuration of the model, as transformers reads it: model_type and its sizes'],
    ['--vocabulary <count>', `tokens that are learned from the dataset (default ${DEFAULT_VOCABULARY})`],
    ...TRAIN_OPTIONS,
  ],
  examples: [
    '0g-compute train create --config llama-1m.json --dataset text.jsonl --chat-template chatml --epochs 3 --wait',
    '0g-compute train create --config llama-1m.json --dataset text.jsonl --max-fee 0.1 --dry-run',
  ],
  notes: 'Priced by a quarter of the bytes as tokens: the tokenizer is made from the dataset.',
  async run(context, input) {
    const config = input.text('config')
    if (config === undefined) throw missing('config', 'train create')
    const vocabulary = input.integer('vocabulary', LEAST_VOCABULARY) ?? DEFAULT_VOCABULARY
    const scratch = { config: configOf(readJsonFile(config)), vocabulary }
    return runCreate(context, input, { ...readTrainRequest(context, input), model: null, scratch })
  },
}

function configOf(value: unknown): Readonly<Record<string, unknown>> {
  const config = value as Readonly<Record<string, unknown>> | null
  if (typeof config === 'object' && config !== null && typeof config.model_type === 'string') return config
  throw new AppError({
    code: 'model_config_invalid',
    message: 'The configuration names no model_type',
    hint: 'For example {"model_type": "llama", "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 344}',
    next: '0g-compute train create --help',
    exitCode: EXIT.malformed,
  })
}
