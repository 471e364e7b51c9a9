/** What a task's fee is made of. */
export interface FeeBasis {
  /** Tokens of one pass. */
  readonly tokens: number
  readonly epochs: number
  /** Of the service on chain, neuron. */
  readonly pricePerToken: bigint
  /** Of the model; whole. */
  readonly coefficient: number
  /** Of the model, neuron a task. */
  readonly storageFee: bigint
}

/**
 * Neuron: `tokens × epochs × price × coefficient + storage`, as the deployed network counts. `max_steps` does not
 * lower it.
 * @see provider-broker.md section 2.5
 */
export const taskFee = ({ tokens, epochs, pricePerToken, coefficient, storageFee }: FeeBasis): bigint =>
  BigInt(tokens) * BigInt(epochs) * pricePerToken * BigInt(coefficient) + storageFee

/**
 * Tokens of one pass for a model from scratch, whose tokenizer is made from the dataset and so not known before:
 * a quarter of the bytes.
 */
export const scratchTokens = (datasetBytes: number): number => Math.ceil(datasetBytes / 4)

/** The predefined models of the deployed network, with what its brokers charge for them. */
export const PREDEFINED_MODELS = [
  {
    name: 'Qwen2.5-0.5B-Instruct',
    hash: '0xb4f76a886b8655c92bb021922d60b5e4d9271a5c9da98b6cb10937a06c2c75a7',
    tokenizer: 'Qwen/Qwen2.5-0.5B-Instruct',
    coefficient: 1,
    storageFee: 10_000_000_000_000_000n,
  },
  {
    name: 'Qwen3-32B',
    hash: '0x2e6f9620c35bdcb2b753cc7aa34e78077a8ed133e36fa36008fd6bdfd29af3a5',
    tokenizer: 'Qwen/Qwen3-32B',
    coefficient: 8,
    storageFee: 90_000_000_000_000_000n,
  },
] as const
