import type { Policy } from '../../attestation/policy.ts'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { format0G } from '../../base/units.ts'
import { readPenaltyPercent } from '../../chain/fineTuning.ts'
import { hasTaskEscrow } from '../../chain/taskEscrow.ts'
import { scratchTokens, taskFee } from '../../protocol/finetune/fee.ts'
import {
  checkParameters,
  epochsOf,
  type ParameterProfile,
  type TrainingParameters,
} from '../../protocol/finetune/parameters.ts'
import type { DatasetPlace, TrainingMethod } from '../../protocol/finetune/spec.ts'
import type { FileStore } from '../../storage/stores/fileStore.ts'
import type { CheckedProvider } from '../providerCheck.ts'
import type { Session } from '../session.ts'
import type { BaseModel, FineTuneMarket, FineTuneOffer } from './market.ts'
import { type DatasetFacts, type DatasetRequest, readDataset } from './readDataset.ts'
import { stepsOf, withRateFor } from './steps.ts'
import { windowsOf } from './windows.ts'

/** What is to be trained. */
export interface TrainRequest {
  /** Base model; null with `scratch`. */
  readonly model: string | null
  readonly dataset: DatasetRequest
  readonly provider?: Address
  /** Default: `lora`, or `scratch` with `scratch`. */
  readonly method?: TrainingMethod
  readonly parameters?: TrainingParameters
  readonly scratch?: { readonly config: Readonly<Record<string, unknown>>; readonly vocabulary: number }
  readonly chatTemplate?: string
  readonly seed?: number
  /** Default: yes, where the provider is one of ours. */
  readonly gguf?: boolean
  /** Neuron; nothing is sent when it would cost more. */
  readonly maxFee?: bigint
  /** Default `upload`: straight to the provider. */
  readonly place?: DatasetPlace
  /** What keeps the dataset, for every other place. */
  readonly store?: Pick<FileStore, 'put'>
  /** Not sealed: anyone who knows the root can read it there. */
  readonly isPublic?: boolean
  /** Longest time until the delivery, seconds. */
  readonly trainWithinSeconds?: number
  /** In which the user may reject, seconds. */
  readonly acknowledgeWithinSeconds?: number
  /** In which the provider has to publish the key, seconds. */
  readonly revealWithinSeconds?: number
  /** Folder for the model, which is empty or does not exist. */
  readonly output?: string
  /** It is to be served at the end: an earlier one that only lacks that is gone on with. */
  readonly deploy?: boolean
  readonly policy?: Policy
  /** Whether evidence that could not be judged in full is enough. */
  readonly acceptIncomplete?: boolean
}

/** Everything that is known before money moves. Amounts in neuron, windows in seconds. */
export interface TrainPlan {
  readonly offer: FineTuneOffer
  readonly model: BaseModel
  readonly method: TrainingMethod
  readonly parameters: TrainingParameters
  readonly dataset: DatasetFacts
  /** Tokens of one pass. */
  readonly tokens: number
  readonly epochs: number
  /** About how many there will be. */
  readonly steps: number
  readonly fee: bigint
  /** Of the fee, in percent: what a rejected delivery costs. */
  readonly penaltyPercent: number
  /** Whether only the provider's enclave can read the dataset. */
  readonly isSealed: boolean
  /** Whether the fee goes into escrow; the deployed contract has none. */
  readonly escrow: boolean
  readonly trainWithin: number
  readonly acknowledgeWithin: number
  readonly revealWithin: number
  /** The sealed model is kept for so long after the delivery. */
  readonly retention: number
  readonly checked: CheckedProvider
}

/** What brokers of the deployed network do, seconds. @see provider-broker.md section 2.3 */
const DEPLOYED_RETENTION = 259_200

/**
 * Checks everything that can be checked, and prices it. Nothing is sent but reads.
 * @throws AppError with a code of its own for each thing that is wrong: of dataset, parameters, model, provider,
 * evidence; `max_fee_exceeded`
 */
export async function planTask(
  session: Session,
  market: FineTuneMarket,
  request: TrainRequest,
): Promise<TrainPlan> {
  const { offer, model } = await market.choose(request.scratch ? null : request.model, request.provider)
  const { terms, service } = offer
  const method = methodOf(request, offer, model)
  assertPlace(request, offer)
  const windows = windowsOf(request, terms)
  const profile = terms?.profile ?? 'network'
  const given = withDefaults(request.parameters ?? {}, profile)
  checkParameters(given, profile)
  const dataset = await readDataset(market.api(service), request.dataset, model, offer, {
    parameters: given,
    ...(request.chatTemplate !== undefined && { chatTemplate: request.chatTemplate }),
  })
  const parameters = profile === 'wide' ? withRateFor(dataset.examples, given, method) : given
  const tokens = method === 'scratch' ? scratchTokens(dataset.bytes) : dataset.tokens
  const epochs = epochsOf(parameters)
  const fee = taskFee({ ...model, tokens, epochs, pricePerToken: service.pricePerToken })
  assertWithin(fee, request.maxFee)
  const [checked, escrow, penaltyPercent] = await Promise.all([
    market.check(offer, request.policy ?? session.policy),
    terms === null ? false : hasTaskEscrow(session.inference),
    readPenaltyPercent(session.inference),
  ])
  assertVerified(checked, request.acceptIncomplete ?? false)
  return {
    offer,
    model,
    method,
    parameters,
    dataset,
    tokens,
    epochs,
    steps: stepsOf(dataset.examples, parameters),
    fee,
    penaltyPercent,
    isSealed: terms !== null && !request.isPublic,
    escrow,
    ...windows,
    retention: terms?.retentionSeconds ?? DEPLOYED_RETENTION,
    checked,
  }
}

/** The deployed network takes exactly five, so what is not said is filled in there. */
function withDefaults(given: TrainingParameters, profile: ParameterProfile): TrainingParameters {
  if (profile === 'wide') return given
  return { ...NETWORK_DEFAULTS, ...given }
}

const NETWORK_DEFAULTS: TrainingParameters = {
  neftune_noise_alpha: 0,
  num_train_epochs: 1,
  per_device_train_batch_size: 2,
  learning_rate: 0.0002,
  max_steps: -1,
}

function methodOf(request: TrainRequest, { terms }: FineTuneOffer, model: BaseModel): TrainingMethod {
  const method = request.method ?? (request.scratch ? 'scratch' : 'lora')
  const offered = terms?.methods ?? ['lora']
  if (offered.includes(method) && model.methods.includes(method)) return method
  throw new AppError({
    code: 'method_not_offered',
    message: `The provider does not train ${model.name ?? 'from scratch'} by "${method}"`,
    hint: `It offers: ${model.methods.filter((name) => offered.includes(name)).join(', ')}`,
    next: '0g-compute finetune models',
    exitCode: EXIT.unsupported,
  })
}

function assertPlace({ place = 'upload', store }: TrainRequest, { terms }: FineTuneOffer): void {
  const places = terms?.places ?? (['upload', '0g-storage'] as const)
  if (places.includes(place) && (place === 'upload') === (store === undefined)) return
  throw new AppError({
    code: 'dataset_place_not_offered',
    message: `The provider does not fetch datasets from "${place}"`,
    hint: `It takes them from: ${places.join(', ')}`,
    next: '0g-compute finetune create --help',
    exitCode: EXIT.unsupported,
  })
}

function assertWithin(fee: bigint, maxFee: bigint | undefined): void {
  if (maxFee === undefined || fee <= maxFee) return
  throw new AppError({
    code: 'max_fee_exceeded',
    message: `This would cost ${format0G(fee)} 0G, more than --max-fee ${format0G(maxFee)}`,
    hint: 'Nothing was sent. Take fewer passes or examples, or raise the limit',
    next: '0g-compute finetune create --dry-run',
    exitCode: EXIT.noFunds,
    details: { fee: fee.toString(), maxFee: maxFee.toString() },
  })
}

/** @throws AppError `provider_unverified` (exit 11) when the evidence could not be judged in full */
export function assertVerified({ verdict }: CheckedProvider, acceptIncomplete: boolean): void {
  if (verdict.outcome === 'accepted' || acceptIncomplete) return
  const missing = verdict.steps.filter(({ result }) => result === 'skipped').map(({ name }) => name)
  throw new AppError({
    code: 'provider_unverified',
    message: `Not everything about the provider's enclave could be checked: ${missing.join(', ')}`,
    hint: 'Nothing was sent. Say --accept incomplete when that is enough for this dataset',
    next: '0g-compute finetune models',
    exitCode: EXIT.incomplete,
  })
}
