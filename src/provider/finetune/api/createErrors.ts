import { AppError, EXIT } from '../../../base/errors.ts'

export const invalid = (reason: string, status = 400): AppError =>
  new AppError({
    code: 'task_invalid',
    message: `The task cannot be taken: ${reason}`,
    hint: 'Nothing was paid',
    next: '0g-compute finetune create --help',
    exitCode: EXIT.malformed,
    status,
  })

export const modelUnknown = (names: readonly string[]): AppError =>
  new AppError({
    code: 'model_unknown',
    message: 'This provider does not have that base model',
    hint: `It has ${names.join(', ') || 'none'}`,
    next: '0g-compute finetune models',
    status: 404,
  })

export const methodUnsupported = (method: string): AppError =>
  new AppError({
    code: 'method_unsupported',
    message: `This provider does not train by ${method}`,
    hint: 'Its capabilities name the methods that it has',
    next: '0g-compute finetune models',
    exitCode: EXIT.unsupported,
    status: 400,
  })

export const sizesMissing = (): AppError =>
  new AppError({
    code: 'scratch_sizes_missing',
    message:
      'The configuration does not name hidden_size and num_hidden_layers, or has more than 1000 layers',
    hint: 'What it leaves out would be that of a large model',
    next: '0g-compute train create --help',
    status: 400,
  })

export const modelTooLarge = (parameters: number, limit: number): AppError =>
  new AppError({
    code: 'scratch_too_large',
    message: `The configuration makes about ${parameters} parameters, this provider trains up to ${limit}`,
    hint: 'Use smaller sizes or fewer layers',
    next: '0g-compute train create --help',
    status: 413,
    details: { parameters, limit },
  })

export const datasetMissing = (): AppError =>
  new AppError({
    code: 'dataset_missing',
    message: 'The dataset is not here',
    hint: 'Send it first; it is kept for a day',
    next: '0g-compute dataset upload',
    status: 404,
  })

export const ownTasksUnfinished = (count: number): AppError =>
  new AppError({
    code: 'tasks_unfinished',
    message: `This user has ${count} tasks here that are not finished`,
    hint: 'Accept or cancel one of them first',
    next: '0g-compute finetune list',
    status: 409,
  })

export const queueFull = (queue: number): AppError =>
  new AppError({
    code: 'queue_full',
    message: `${queue} tasks wait here, which is the most`,
    hint: 'Try again later, or another provider',
    next: '0g-compute provider list',
    retryable: true,
    status: 429,
  })

export const waitRequired = (waiting: number): AppError =>
  new AppError({
    code: 'wait_required',
    message: `${waiting} tasks are before this one, and the task does not want to wait`,
    hint: 'Send it with wait: true',
    next: '0g-compute finetune create',
    status: 409,
    details: { waiting },
  })
