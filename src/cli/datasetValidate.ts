import { EXIT } from '../base/errors.ts'
import { validateDataset } from '../client/dataset/validateDataset.ts'
import { DATASET_OPTIONS, datasetFile } from './dataset/fileOptions.ts'
import { renderReport } from './dataset/renderReport.ts'
import type { CommandDefinition } from './framework/definition.ts'

export const command: CommandDefinition = {
  args: [['<file>', 'JSONL, CSV or Parquet']],
  options: [
    ...DATASET_OPTIONS,
    ['--tokenizer <folder>', 'of the model: lengths in its tokens, not in characters'],
    ['--sequence-length <tokens>', 'longest row; longer examples are named (default 512)'],
  ],
  examples: [
    '0g-compute dataset validate data.jsonl',
    '0g-compute dataset validate table.csv --columns instruction=question,output=answer',
  ],
  notes:
    'Reads every line, says where something is wrong, and shows nothing of what the lines say. Nothing is sent.',
  async run({ out }, input) {
    const path = input.required(0)
    const progress = await out.progress(`Reading ${path}`)
    const report = await validateDataset({
      ...datasetFile(path, input),
      tokenizer: input.text('tokenizer'),
      sequenceLength: input.integer('sequenceLength', 16),
    }).finally(() => progress.stop())
    out.report(report, (paint) => renderReport(report, paint))
    if (!report.valid) return EXIT.malformed
    out.next(`0g-compute finetune create --dataset ${path}`)
    return undefined
  },
}
