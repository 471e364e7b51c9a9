import { larger } from '../base/bigint.ts'
import type { Service } from '../chain/inference.ts'

/** What is sold by the piece: begun seconds of audio, images, or tokens. */
export type SoldUnit = 'token' | 'image' | 'second'

/** Neuron per token; of models that make no text, per image or second. */
export interface OfferPrices {
  readonly input: bigint
  readonly output: bigint
  readonly image?: bigint
  readonly second?: bigint
}

interface ServiceType {
  /** What its models are asked for where their provider does not say. */
  readonly kinds: readonly string[]
  readonly unit: SoldUnit
}

/** A service of any text is registered as one of chats, whatever it sells beside. */
const CHAT = 'chatbot'

/** What services are registered as on the network. @see client-wire.md section 1.1 */
const TYPES: Readonly<Record<string, ServiceType>> = {
  [CHAT]: { kinds: ['chat', 'completion', 'embedding'], unit: 'token' },
  embedding: { kinds: ['embedding'], unit: 'token' },
  'text-to-image': { kinds: ['image'], unit: 'image' },
  'image-editing': { kinds: ['image'], unit: 'image' },
  'speech-to-text': { kinds: ['transcription'], unit: 'second' },
}

const KINDS_UNIT: Readonly<Record<string, SoldUnit>> = { image: 'image', transcription: 'second' }

/** What a model is priced by when it is asked for this. */
export const unitOfKind = (kind: string): SoldUnit => KINDS_UNIT[kind] ?? 'token'

export const unitOfType = (serviceType: string): SoldUnit => TYPES[serviceType]?.unit ?? 'token'

export const kindsOfType = (serviceType: string): readonly string[] => TYPES[serviceType]?.kinds ?? []

/** Services that may have a model for this, those that are there for nothing else first. */
export function sellersOf(services: readonly Service[], kind: string): Service[] {
  const named = services.filter(({ serviceType }) => kindsOfType(serviceType).includes(kind))
  const beside = services.filter((service) => service.serviceType === CHAT && !named.includes(service))
  return [...named, ...beside]
}

/** Services of every type that this client can buy of. */
export const inferenceServices = (services: readonly Service[]): Service[] =>
  services.filter(({ serviceType }) => Object.hasOwn(TYPES, serviceType))

/** As it is registered. Brokers differ in which of the two prices an image or a second has: it is the one that is set. */
export function registeredPrices({
  serviceType,
  inputPrice,
  outputPrice,
}: Pick<Service, 'serviceType' | 'inputPrice' | 'outputPrice'>): OfferPrices {
  const unit = unitOfType(serviceType)
  if (unit === 'token') return { input: inputPrice, output: outputPrice }
  return { input: 0n, output: 0n, [unit]: larger(inputPrice, outputPrice) }
}

/** What offers for one kind of request are compared by: a prompt token and an answer token together, or one unit. */
export function comparedPrice(prices: OfferPrices, kind: string): bigint {
  const unit = unitOfKind(kind)
  return unit === 'token' ? prices.input + prices.output : (prices[unit] ?? 0n)
}
