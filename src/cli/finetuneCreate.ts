import { methodOf, missing, readTrainRequest, TRAIN_OPTIONS } from './finetune/request.ts'
import { runCreate } from './finetune/runCreate.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  options: [
    ['--model <name>', 'base model; see: 0g-compute finetune models'],
    ['--method <name>', 'lora, qlora or full (default: lora)'],
    ['--tokenizer <folder>', "the model's tokenizer, where the provider does not serve it"],
    ...TRAIN_OPTIONS,
    ['--deploy', 'goes on until the provider serves it for you alone; implies --wait'],
  ],
  examples: [
    '0g-compute finetune create --model 0g-compute-demo --dataset facts.jsonl --epochs 25 --wait --deploy',
    '0g-compute finetune create --model Qwen2.5-0.5B-Instruct --dataset data.jsonl --max-fee 0.5 --dry-run',
  ],
  notes:
    'Everything is checked and priced before money moves. Killed anywhere, the same command goes on; without --wait\n' +
    '0g-compute finetune download does the rest.',
  async run(context, input) {
    const model = input.text('model')
    if (model === undefined) throw missing('model')
    const method = methodOf(input)
    return runCreate(context, input, {
      ...readTrainRequest(context, input),
      model,
      ...(method && { method }),
    })
  },
}
