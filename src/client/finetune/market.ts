import { DEFAULT_POLICY, type Policy } from '../../attestation/policy.ts'
import { AppError, EXIT } from '../../base/errors.ts'
import { type Address, type Hex, hexToBytes } from '../../base/hex.ts'
import {
  type FineTuningService,
  findFineTuningService,
  listFineTuningServices,
} from '../../chain/fineTuning.ts'
import type { Service } from '../../chain/inference.ts'
import { PREDEFINED_MODELS } from '../../protocol/finetune/fee.ts'
import { TRAINING_METHODS, type TrainingMethod } from '../../protocol/finetune/spec.ts'
import { NO_MODEL } from '../../protocol/finetune/task.ts'
import { type FineTuneTerms, type ModelFile, termsIn } from '../../protocol/finetune/terms.ts'
import { capabilitiesDigest } from '../../protocol/quoteBinding.ts'
import { BrokerApi } from '../brokerApi.ts'
import { assertNotRejected, type CheckedProvider, checkProvider } from '../providerCheck.ts'
import type { Session } from '../session.ts'
import { TaskApi } from './taskApi.ts'

/** A model that a provider trains. Amounts in neuron. */
export interface BaseModel {
  /** Null: none, training from scratch. */
  readonly name: string | null
  readonly hash: Hex
  readonly description: string
  readonly coefficient: number
  readonly storageFee: bigint
  readonly methods: readonly TrainingMethod[]
  readonly contextLength: number | null
  /** Of its tokenizer; empty where the broker does not serve them. */
  readonly files: readonly ModelFile[]
}

/** What one provider offers. `terms` is null for a broker of the deployed network. */
export interface FineTuneOffer {
  readonly service: FineTuningService
  readonly terms: FineTuneTerms | null
  readonly models: readonly BaseModel[]
}

/** What is trained where there is no base model. */
export const FROM_SCRATCH: BaseModel = {
  name: null,
  hash: NO_MODEL,
  description: 'from scratch',
  coefficient: 1,
  storageFee: 0n,
  methods: ['scratch'],
  contextLength: null,
  files: [],
}

/** Who trains what. The session's contract is `FineTuningServing`. */
export class FineTuneMarket {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  api(service: Pick<FineTuningService, 'url'>): TaskApi {
    return new TaskApi(this.#session.runtime, service.url)
  }

  /** Registered services, cheapest first. */
  async services(): Promise<FineTuningService[]> {
    const services = await listFineTuningServices(this.#session.inference)
    return services.sort((a, b) => (a.pricePerToken < b.pricePerToken ? -1 : 1))
  }

  /** @throws AppError `finetune_provider_unknown` */
  async service(provider: Address): Promise<FineTuningService> {
    const service = await findFineTuningService(this.#session.inference, provider)
    if (!service) throw providerUnknown(provider, this.#session.network.name)
    return service
  }

  /** What a provider offers, by its own word. @throws AppError `provider_unreachable`, `provider_slow` */
  async offer(service: FineTuningService): Promise<FineTuneOffer> {
    const [capabilities, listed] = await Promise.all([
      new BrokerApi(this.#session.runtime, service.url).capabilities(),
      this.api(service).models(),
    ])
    const terms = capabilities === null ? null : termsIn(parse(capabilities))
    const own = listed.map(
      (model): BaseModel => ({
        name: model.name,
        hash: model.hash as Hex,
        description: model.description ?? '',
        coefficient: Number.isSafeInteger(model.coefficient) ? model.coefficient! : 1,
        storageFee: /^\d{1,30}$/.test(model.storageFee ?? '') ? BigInt(model.storageFee!) : 0n,
        methods: (model.methods ?? ['lora']).filter((method) => TRAINING_METHODS.includes(method)),
        contextLength: Number.isSafeInteger(model.contextLength) ? model.contextLength! : null,
        files: Array.isArray(model.files) ? model.files : [],
      }),
    )
    return { service, terms, models: terms ? own : [...PREDEFINED, ...own] }
  }

  /** Offers of every provider that answers, cheapest first. */
  async offers(): Promise<FineTuneOffer[]> {
    const services = await this.services()
    const found = await Promise.all(services.map((service) => this.offer(service).catch(() => null)))
    return found.filter((offer) => offer !== null)
  }

  /**
   * Who trains a model: the provider named, else the cheapest that has it.
   * @param model null: from scratch
   * @throws AppError `finetune_provider_unknown`, `no_finetune_provider`, `base_model_unknown`
   */
  async choose(
    model: string | null,
    provider?: Address,
  ): Promise<{ readonly offer: FineTuneOffer; readonly model: BaseModel }> {
    const offers = provider ? [await this.offer(await this.service(provider))] : await this.offers()
    if (offers.length === 0) throw noProvider(this.#session.network.name)
    for (const offer of offers) {
      const found = model === null ? scratchAt(offer) : offer.models.find(({ name }) => name === model)
      if (found) return { offer, model: found }
    }
    throw modelUnknown(model, [...new Set(offers.flatMap(({ models }) => models.map(({ name }) => name!)))])
  }

  /**
   * Judges the evidence for the enclave's keys. Terms count only as far as the quote binds them.
   * @throws AppError `provider_rejected` (exit 10), `terms_not_bound` when the terms are others than the quote's
   */
  async check({ service, terms }: FineTuneOffer, policy: Policy = DEFAULT_POLICY): Promise<CheckedProvider> {
    const asService = inferenceShape(service)
    const checked = await checkProvider(this.#session, asService, policy)
    assertNotRejected(checked, asService)
    if (terms === null) return checked
    const text = await new BrokerApi(this.#session.runtime, service.url).capabilities()
    const capabilities = text === null ? null : parse(text)
    const bound = checked.verdict.binding?.capabilities
    const isBound = capabilities !== null && bound === capabilitiesDigest(capabilities)
    if (!isBound || termsIn(capabilities)?.datasetKey !== terms.datasetKey)
      throw termsNotBound(service.provider)
    return checked
  }
}

/** Key of the enclave that datasets are sealed for. */
export const datasetKeyOf = (terms: FineTuneTerms): Uint8Array => hexToBytes(terms.datasetKey)

const PREDEFINED: readonly BaseModel[] = PREDEFINED_MODELS.map((model) => ({
  ...model,
  description: `${model.tokenizer}, predefined on the network`,
  methods: ['lora'],
  contextLength: null,
  files: [],
}))

const scratchAt = ({ terms }: FineTuneOffer): BaseModel | undefined =>
  terms?.methods.includes('scratch') ? FROM_SCRATCH : undefined

/** Evidence is judged by what any service has: its provider, URL and signer. */
const inferenceShape = (service: FineTuningService): Service => ({
  provider: service.provider,
  serviceType: 'fine-tuning',
  url: service.url,
  inputPrice: service.pricePerToken,
  outputPrice: 0n,
  updatedAt: 0,
  model: '',
  verifiability: '',
  additionalInfo: '',
  teeSignerAddress: service.teeSignerAddress,
  teeSignerAcknowledged: service.teeSignerAcknowledged,
})

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const providerUnknown = (provider: Address, network: string): AppError =>
  new AppError({
    code: 'finetune_provider_unknown',
    message: `${provider} offers no fine-tuning on ${network}`,
    hint: 'It never registered for it, or it has left',
    next: '0g-compute finetune models',
  })

const noProvider = (network: string): AppError =>
  new AppError({
    code: 'no_finetune_provider',
    message: `Nobody who answers offers fine-tuning on ${network}`,
    hint: 'A devnet has a provider that does, where Python is installed',
    next: '0g-compute finetune models',
    retryable: true,
  })

const modelUnknown = (model: string | null, known: readonly string[]): AppError =>
  new AppError({
    code: 'base_model_unknown',
    message:
      model === null ? 'Nobody here trains models from scratch' : `Nobody here fine-tunes a model "${model}"`,
    hint: known.length > 0 ? `There are: ${known.join(', ')}` : 'The provider names no models',
    next: '0g-compute finetune models',
    exitCode: EXIT.malformed,
  })

const termsNotBound = (provider: Address): AppError =>
  new AppError({
    code: 'terms_not_bound',
    message: `The terms of ${provider} are not those that its quote vouches for`,
    hint: 'A dataset would be sealed for a key of unknown origin. Nothing was sent. Choose another provider',
    next: '0g-compute finetune models',
    exitCode: EXIT.rejected,
  })
