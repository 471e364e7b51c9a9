import { SigningKey } from 'ethers'
import type { FineTuneTerms } from '../../protocol/finetune/terms.ts'
import type { FineTuningOptions } from './options.ts'
import type { Workshop } from './workshop.ts'

const TWO_DAYS_SECONDS = 48 * 3600
/** Longest window that the contract takes. */
const THIRTY_DAYS_SECONDS = 30 * 86_400

/** What is offered beyond the deployed protocol, for `GET /v1/capabilities`. */
export function termsOf(
  { tee, limits, models, stores, converters }: Workshop,
  options: FineTuningOptions,
): FineTuneTerms {
  const { minimumWindows: windows } = limits
  const methods = new Set(models.flatMap(({ document }) => document.methods ?? []))
  if (options.scratch ?? true) methods.add('scratch')
  return {
    v: 1,
    datasetKey: SigningKey.computePublicKey(tee.signerKey).slice(2),
    methods: [...methods],
    profile: 'wide',
    places: ['upload', ...(Object.keys(stores) as (keyof typeof stores)[])],
    limits: {
      datasetBytes: limits.datasetBytes,
      tokens: limits.tokens,
      trainSeconds: limits.trainSeconds,
      queue: limits.queue,
      scratchParameters: limits.scratchParameters,
    },
    windows: {
      train: { minimum: windows.train, usual: Math.max(windows.train, limits.trainSeconds) },
      acknowledge: {
        minimum: windows.acknowledge,
        usual: Math.max(windows.acknowledge, TWO_DAYS_SECONDS),
        maximum: THIRTY_DAYS_SECONDS,
      },
      reveal: { minimum: windows.reveal, usual: Math.max(windows.reveal, TWO_DAYS_SECONDS) },
    },
    retentionSeconds: limits.retentionSeconds,
    serves: converters !== null,
  }
}
