import { AppError } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import { isAdapterName } from '../../protocol/finetune/adapterName.ts'

/** What is asked for, in words. */
const WORDS: Readonly<Record<string, string>> = {
  chat: 'chats',
  completion: 'completions',
  embedding: 'embeddings',
  image: 'images',
  transcription: 'speech to text',
}

export const noProvider = (network: string, kind: string): AppError =>
  new AppError({
    code: 'no_provider',
    message: `Nobody sells ${WORDS[kind] ?? kind} on ${network}`,
    ...(kind === 'chat'
      ? {
          hint: 'Is it the right network? On a devnet, start a provider',
          next: network === 'devnet' ? '0g-compute devnet up' : '0g-compute network list',
          status: 503,
        }
      : {
          hint: 'The list shows what is sold. Is it the right network?',
          next: '0g-compute provider list',
          status: 404,
        }),
  })

/** There are providers, and none of them has a TEE. */
export const onlyUnattested = (provider: Address): AppError =>
  new AppError({
    code: 'no_attested_provider',
    message: 'Every provider that sells this here runs without a TEE: nothing would prove an answer',
    hint: 'Such a provider is asked only when it is named, and its answers stay unproven (--accept incomplete); 0g-compute help trust says what that means',
    next: `0g-compute provider show ${provider}`,
    status: 503,
  })

export const modelUnknown = (model: string, known: readonly string[], provider?: Address): AppError =>
  new AppError({
    code: 'model_unknown',
    message: provider
      ? `Provider ${provider} does not sell the model "${model}"`
      : `No provider sells the model "${model}"`,
    ...(isAdapterName(model)
      ? {
          hint: 'That is the name of a model of your own, which is not served now: deploy it again',
          next: '0g-compute finetune list',
        }
      : { hint: thereAre(known), next: '0g-compute provider list' }),
    status: 404,
  })

const thereAre = (known: readonly string[]): string =>
  known.length > 0 ? `There are: ${known.slice(0, 10).join(', ')}` : 'No provider answers at the moment'

/** Of what is asked for, that provider sells nothing, by whatever model. */
export const kindNotSold = (kind: string, provider: Address): AppError =>
  new AppError({
    code: 'model_unknown',
    message: `Provider ${provider} does not sell ${WORDS[kind] ?? kind}`,
    hint: 'The list shows what each provider sells',
    next: '0g-compute provider list',
    status: 404,
  })

/** Offers are there, and none is wanted or able. */
export const nothingSuitable = (count: number): AppError =>
  new AppError({
    code: 'no_suitable_provider',
    message: `None of ${count} offer${count === 1 ? '' : 's'} is within the price limit and the allow and deny lists`,
    hint: 'Raise --max-price, or change --allow and --deny',
    next: '0g-compute provider list',
    status: 503,
  })
