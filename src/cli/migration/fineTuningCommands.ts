import { given, type OldCommand, type OldOptions } from './oldCommand.ts'

const PROVIDER = '0xf07240Efa67755B5311bc75784a061eDB47165Dd'
const TASK = 'beb6f0d8-4660-4c62-988d-00246ce913d2'

const taskOf = (options: OldOptions) => {
  const task = options.text('task') ?? options.text('task-id')
  return task === undefined ? [] : [task]
}

const ON_TASK = { provider: 'text', task: 'text' } as const
const ON_TASK_ID = { provider: 'text', 'task-id': 'text' } as const

/** The group `fine-tuning`, alias `ft`. */
export const FINE_TUNING_COMMANDS: readonly OldCommand[] = [
  {
    name: 'fine-tuning list-providers',
    options: { 'include-invalid': 'flag' },
    example: 'fine-tuning list-providers',
    to: () => ['finetune', 'models'],
  },
  { name: 'fine-tuning list-models', example: 'fine-tuning list-models', to: () => ['finetune', 'models'] },
  {
    name: 'fine-tuning model-usage',
    options: { provider: 'text', model: 'text', output: 'text' },
    example: `fine-tuning model-usage --provider ${PROVIDER} --model Qwen2.5-0.5B-Instruct --output usage.zip`,
    to: () => ['finetune', 'models'],
  },
  {
    name: 'fine-tuning verify',
    options: { provider: 'text', 'output-dir': 'text' },
    example: `fine-tuning verify --provider ${PROVIDER}`,
    note: 'A provider’s evidence is checked before each task is created; nothing is sent when it is rejected',
    next: '0g-compute finetune create --dry-run --help',
  },
  {
    name: 'fine-tuning create-task',
    options: {
      provider: 'text',
      model: 'text',
      dataset: 'text',
      'dataset-path': 'text',
      'config-path': 'text',
    },
    example: `fine-tuning create-task --provider ${PROVIDER} --model Qwen2.5-0.5B-Instruct --dataset-path data.jsonl --config-path config.json`,
    to: (options) => [
      'finetune',
      'create',
      '--provider',
      options.required('provider'),
      '--model',
      options.required('model'),
      '--dataset',
      options.required('dataset-path'),
      ...given('--params', options.text('config-path')),
    ],
    note: 'Checks and prices dataset and parameters before money moves; the dataset goes sealed to the enclave, not into public storage',
  },
  {
    name: 'fine-tuning list-tasks',
    options: { provider: 'text' },
    example: `fine-tuning list-tasks --provider ${PROVIDER}`,
    to: () => ['finetune', 'list'],
    note: 'Tasks of all providers that this machine created',
  },
  {
    name: 'fine-tuning get-task',
    options: ON_TASK,
    example: `fine-tuning get-task --provider ${PROVIDER} --task ${TASK}`,
    to: (options) => ['finetune', 'status', ...taskOf(options)],
  },
  {
    name: 'fine-tuning get-log',
    options: ON_TASK,
    example: `fine-tuning get-log --provider ${PROVIDER} --task ${TASK}`,
    to: (options) => ['finetune', 'logs', ...taskOf(options)],
  },
  {
    name: 'fine-tuning cancel-task',
    options: ON_TASK,
    example: `fine-tuning cancel-task --provider ${PROVIDER} --task ${TASK}`,
    to: (options) => ['finetune', 'cancel', ...taskOf(options)],
  },
  {
    name: 'fine-tuning acknowledge-model',
    options: {
      ...ON_TASK_ID,
      'data-path': 'text',
      'download-method': 'text',
      deploy: 'flag',
      model: 'text',
      'inference-provider': 'text',
    },
    example: `fine-tuning acknowledge-model --provider ${PROVIDER} --task-id ${TASK} --data-path ./model`,
    to: (options) => [
      'finetune',
      'download',
      ...taskOf(options),
      ...given('--provider', options.text('provider')),
      ...given('--out', options.text('data-path')),
    ],
    note: 'Checks the hash before it acknowledges, waits for the key, decrypts',
  },
  {
    name: 'fine-tuning decrypt-model',
    options: { ...ON_TASK_ID, 'encrypted-model': 'text', output: 'text' },
    example: `fine-tuning decrypt-model --provider ${PROVIDER} --task-id ${TASK} --encrypted-model model.bin --output ./model`,
    to: (options) => [
      'finetune',
      'download',
      ...taskOf(options),
      ...given('--provider', options.text('provider')),
      ...given('--out', options.text('output')),
    ],
  },
  {
    name: 'fine-tuning acknowledge-deliverable',
    options: ON_TASK_ID,
    example: `fine-tuning acknowledge-deliverable --provider ${PROVIDER} --task-id ${TASK}`,
    note: 'To acknowledge releases the payment: nothing is acknowledged that was not downloaded and checked',
    next: '0g-compute finetune download',
  },
  {
    name: 'fine-tuning deploy-adapter',
    options: { ...ON_TASK_ID, 'adapter-name': 'text', model: 'text', wait: 'flag', timeout: 'text' },
    example: `fine-tuning deploy-adapter --provider ${PROVIDER} --task-id ${TASK} --model Qwen2.5-0.5B-Instruct --wait`,
    to: (options) => ['finetune', 'deploy', ...taskOf(options)],
  },
  {
    name: 'fine-tuning get-adapter-name',
    options: { model: 'text', 'task-id': 'text' },
    example: `fine-tuning get-adapter-name --model Qwen2.5-0.5B-Instruct --task-id ${TASK}`,
    to: (options) => ['finetune', 'status', ...taskOf(options)],
  },
  {
    name: 'fine-tuning chat',
    options: {
      provider: 'text',
      message: 'text',
      'adapter-name': 'text',
      model: 'text',
      'task-id': 'text',
      system: 'text',
    },
    example: `fine-tuning chat --provider ${PROVIDER} --adapter-name ft-Qwen-beb6f0d8-466 --message Hello`,
    to: (options) => [
      'infer',
      options.required('message'),
      '--provider',
      options.required('provider'),
      '--model',
      options.required('adapter-name'),
      ...given('--system', options.text('system')),
    ],
  },
  {
    name: 'fine-tuning upload',
    options: { 'data-path': 'text' },
    example: 'fine-tuning upload --data-path data.jsonl',
    to: (options) => ['dataset', 'upload', options.required('data-path'), '--to', '0g-storage', '--public'],
    note: 'Storage is public: finetune create seals the dataset to the enclave instead',
  },
  {
    name: 'fine-tuning calculate-token',
    options: { model: 'text', 'dataset-path': 'text', provider: 'text' },
    example: 'fine-tuning calculate-token --model Qwen2.5-0.5B-Instruct --dataset-path data.jsonl',
    to: (options) => ['dataset', 'validate', options.required('dataset-path')],
    note: 'finetune create --dry-run shows tokens and fee by the provider’s own tokenizer',
  },
  ...['download', 'download-counter'].map((name) => ({
    name: `fine-tuning ${name}`,
    options: { 'data-path': 'text', 'data-root': 'text' } as const,
    example: `fine-tuning ${name}`,
    note: 'Not needed: finetune create counts tokens itself, and what was uploaded stays where it was',
    next: '0g-compute dataset list',
  })),
  {
    name: 'fine-tuning remove-service',
    example: 'fine-tuning remove-service',
    to: () => ['provider', 'leave'],
    note: 'Stop the broker first, with provider stop --settle-all. Both services are removed, and both stakes come back',
  },
]
