import { type Contract, type Signer, ZeroAddress } from 'ethers'
import { AppError } from '../base/errors.ts'
import type { Address, Hex } from '../base/hex.ts'
import type { Logger } from '../base/log.ts'
import { format0G } from '../base/units.ts'
import { differs, findService, type Service, type ServiceParams } from '../chain/inference.ts'
import { prepare, send } from '../chain/transaction.ts'
import { canonicalJson } from '../protocol/canonical.ts'
import type { EngineModel } from './engine/engine.ts'
import { stakeToSend } from './stake.ts'

/** What a service is registered as, by what it mostly sells. @see provider-broker.md section 1.3 */
export type ServiceType = 'chatbot' | 'text-to-image' | 'speech-to-text'

/** What a service of ours registers. Prices in neuron per token; of the others `output` is per image or second. */
export interface ChatServiceOptions {
  /** Default `chatbot`. */
  readonly type?: ServiceType
  readonly url: string
  readonly model: string
  readonly prices: { readonly input: bigint; readonly output: bigint }
  /** The enclave's; null without one: then there is none to acknowledge, and only vouchers take money. */
  readonly signer: Address | null
  /** The container image that the enclave runs, where there is one. */
  readonly image?: { readonly name: string; readonly digest: string }
}

export interface RegistrationOptions {
  /** `InferenceServing`. */
  readonly contract: Contract
  /** The provider's account, connected to the network. */
  readonly operator: Signer
  readonly params: ServiceParams
  readonly log: Logger
}

export interface Registration {
  readonly action: 'registered' | 'updated' | 'unchanged'
  readonly service: Service
  readonly txHash: Hex | null
  /** Set while the contract's owner has not acknowledged the signer: until then nothing can be settled. */
  readonly warning: AppError | null
}

/** A service of any text is one of chats, whatever it sells beside. */
export function serviceTypeOf(models: readonly EngineModel[]): ServiceType {
  const kinds = models.flatMap((model) => model.kinds)
  if (kinds.some((kind) => kind !== 'image' && kind !== 'transcription')) return 'chatbot'
  return kinds.includes('image') ? 'text-to-image' : 'speech-to-text'
}

/**
 * The service as it is registered. The same options give the same text: a restart sends no transaction, and
 * the owner's acknowledgement, which any change of `additionalInfo` takes back, stays.
 * @see provider-broker.md section 1.4
 */
export function chatService({
  type = 'chatbot',
  url,
  model,
  prices,
  signer,
  image,
}: ChatServiceOptions): ServiceParams {
  return {
    serviceType: type,
    url,
    model,
    verifiability: signer ? 'TeeML' : '',
    inputPrice: prices.input,
    outputPrice: prices.output,
    additionalInfo: canonicalJson({
      ProviderType: 'decentralized',
      ...(signer && { TEEVerifier: 'dstack' }),
      TargetSeparated: false,
      ...(image && { ImageName: image.name, ImageDigest: image.digest }),
    }),
    teeSignerAddress: signer ?? (ZeroAddress as Address),
  }
}

/**
 * Makes the chain say what the broker serves: registers with the smallest stake that the chain asks, updates
 * what differs, and sends nothing when nothing differs.
 * @throws AppError `stake_insufficient` with the exact shortfall, `insufficient_funds`, `transaction_reverted`,
 * `transaction_unknown`
 */
export async function registerService(options: RegistrationOptions): Promise<Registration> {
  const { contract, operator, params, log } = options
  const provider = (await operator.getAddress()) as Address
  const found = await findService(contract, provider)
  if (found && !differs(found, params)) return outcome('unchanged', found, null)
  const action = found ? 'updated' : 'registered'
  const stake = found ? 0n : await stakeToSend(contract, operator, provider)
  const prepared = await prepare(operator, {
    title: found ? 'update the service' : `register the service with a stake of ${format0G(stake)} 0G`,
    contract: contract.connect(operator) as Contract,
    method: 'addOrUpdateService',
    args: [params],
    value: stake,
  })
  const { hash } = await send(operator, prepared)
  log.info('service_registered', { action, txHash: hash, stake })
  const service = await findService(contract, provider)
  if (!service) throw vanished(provider)
  return outcome(action, service, hash as Hex)
}

const outcome = (action: Registration['action'], service: Service, txHash: Hex | null): Registration => ({
  action,
  service,
  txHash,
  warning: service.teeSignerAcknowledged || hasNoSigner(service) ? null : notAcknowledged(service),
})

const hasNoSigner = ({ teeSignerAddress }: Service): boolean => BigInt(teeSignerAddress) === 0n

const notAcknowledged = ({ provider, teeSignerAddress }: Service): AppError =>
  new AppError({
    code: 'signer_not_acknowledged_by_owner',
    message: `The owner of the contract has not acknowledged signer ${teeSignerAddress} of ${provider}`,
    hint: 'Charges are kept, and settled once it is acknowledged. On the live network ask the 0G team',
    next: `0g-compute provider show ${provider}`,
    retryable: true,
  })

const vanished = (provider: Address): AppError =>
  new AppError({
    code: 'service_missing',
    message: `The service of ${provider} is not on chain although its transaction was mined`,
    hint: 'The RPC may lag behind. Start again',
    next: `0g-compute provider show ${provider}`,
    retryable: true,
  })
