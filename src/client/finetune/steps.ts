import { epochsOf, type TrainingParameters } from '../../protocol/finetune/parameters.ts'
import { NUMBER_PARAMETERS } from '../../protocol/finetune/parameterTable.ts'
import type { TrainingMethod } from '../../protocol/finetune/spec.ts'

/** With fewer steps a model hardly learns anything, whatever the rate: docs/FINETUNING.md has figures. */
export const ENOUGH_STEPS = 150
/** So few steps bear a higher rate, and need it. */
const FEW_STEPS = 300
const RATE_OF_FEW_STEPS = 0.0005

/** About how often the optimizer will move the model; on several GPUs, or with packing, it is fewer times. */
export function stepsOf(examples: number, parameters: TrainingParameters): number {
  const maxSteps = numberOf(parameters, 'max_steps')
  const all = stepsAPass(examples, parameters) * epochsOf(parameters)
  return maxSteps > 0 ? Math.min(all, maxSteps) : all
}

/** Passes that make enough steps, or null where something else than the passes bounds them. */
export function enoughEpochs(examples: number, parameters: TrainingParameters): number | null {
  const epochs = Math.ceil(ENOUGH_STEPS / stepsAPass(examples, parameters))
  const [, most] = NUMBER_PARAMETERS.num_train_epochs!.range
  return numberOf(parameters, 'max_steps') > 0 || epochs > most ? null : epochs
}

/** The parameters with a rate that teaches, where nobody named one and the trainer's own would not: few steps of LoRA. */
export function withRateFor(
  examples: number,
  parameters: TrainingParameters,
  method: TrainingMethod,
): TrainingParameters {
  const isLora = method === 'lora' || method === 'qlora'
  const isOpen = parameters.learning_rate === undefined && parameters.optimizer === undefined
  if (!isLora || !isOpen || stepsOf(examples, parameters) > FEW_STEPS) return parameters
  return { ...parameters, learning_rate: RATE_OF_FEW_STEPS }
}

/** Highest learning rate, given or the trainer's own. */
export const learningRateOf = (parameters: TrainingParameters): number =>
  numberOf(parameters, 'learning_rate')

function stepsAPass(examples: number, parameters: TrainingParameters): number {
  const kept = examples - Math.round(examples * numberOf(parameters, 'eval_share'))
  const rows =
    numberOf(parameters, 'per_device_train_batch_size') * numberOf(parameters, 'gradient_accumulation_steps')
  return Math.max(1, Math.ceil(kept / rows))
}

const numberOf = (parameters: TrainingParameters, name: string): number =>
  (parameters[name] as number | undefined) ?? NUMBER_PARAMETERS[name]!.default
