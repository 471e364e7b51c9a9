/** A number among the trainer's parameters. `gap`: values strictly between its ends are not allowed. */
export interface NumberParameter {
  readonly default: number
  readonly range: readonly [number, number]
  /** The deployed network's range, where it takes the parameter. */
  readonly network?: readonly [number, number]
  readonly gap?: readonly [number, number]
  readonly whole?: true
}

export interface OtherParameter {
  readonly default: boolean | string
  readonly options?: readonly string[]
}

/** As `python -m zg_trainer parameters` prints them: a test compares. */
export const NUMBER_PARAMETERS: Readonly<Record<string, NumberParameter>> = {
  neftune_noise_alpha: { default: 0, range: [0, 100], network: [0, 10] },
  num_train_epochs: { default: 1, range: [1, 1000], network: [1, 10], whole: true },
  per_device_train_batch_size: { default: 1, range: [1, 1024], network: [1, 4], whole: true },
  learning_rate: { default: 2e-4, range: [1e-7, 0.1], network: [1e-5, 1e-3] },
  max_steps: { default: -1, range: [-1, 1e9], network: [-1, 1e9], gap: [-1, 1], whole: true },
  gradient_accumulation_steps: { default: 1, range: [1, 1024], whole: true },
  sequence_length: { default: 0, range: [0, 2 ** 20], gap: [0, 16], whole: true },
  eval_share: { default: 0, range: [0, 0.5] },
  eval_steps: { default: 0, range: [0, 1e9], whole: true },
  matrix_learning_rate: { default: 0.02, range: [1e-7, 1] },
  warmup_ratio: { default: 0.03, range: [0, 0.5] },
  weight_decay: { default: 0, range: [0, 1] },
  max_grad_norm: { default: 1, range: [0, 1000] },
  lora_rank: { default: 8, range: [1, 1024], whole: true },
  lora_alpha: { default: 32, range: [0.01, 4096] },
  lora_dropout: { default: 0.1, range: [0, 0.9] },
  log_steps: { default: 0, range: [0, 1e6], whole: true },
  checkpoint_steps: { default: 0, range: [0, 1e9], whole: true },
}

export const OTHER_PARAMETERS: Readonly<Record<string, OtherParameter>> = {
  too_long: { default: 'truncate', options: ['truncate', 'split', 'drop', 'fail'] },
  packing: { default: false },
  group_by_length: { default: true },
  optimizer: { default: 'adamw', options: ['adamw', 'muon'] },
  lr_scheduler: { default: 'linear', options: ['linear', 'cosine', 'constant'] },
  lora_targets: { default: 'all-linear' },
  precision: { default: 'auto', options: ['auto', 'fp32', 'bf16'] },
  gradient_checkpointing: { default: false },
}
