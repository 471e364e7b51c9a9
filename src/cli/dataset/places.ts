import { AppError, EXIT } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { Context } from '../framework/context.ts'
import type { Input } from '../framework/input.ts'
import { acceptsIncomplete, policyOf } from '../framework/verification.ts'

export const PLACES = ['provider', '0g-storage', 'local'] as const
export type Place = (typeof PLACES)[number]

/** Who is to read a dataset, and how it gets to its place. */
export interface Destination {
  readonly place: Place
  readonly provider: Address | null
  /** Null with `--public`. */
  readonly receiver: Uint8Array | null
  readonly put: (path: string) => Promise<string>
}

/**
 * Where the options say that a dataset goes. A provider's key counts when its evidence was accepted.
 * @throws AppError `option_invalid`, `receiver_missing`, `no_dataset_key`, `no_storage_here`, and those of checking a provider
 */
export async function destinationOf(context: Context, input: Input): Promise<Destination> {
  const place = placeOf(input.text('to') ?? 'provider')
  const provider = input.address('provider') ?? null
  const isPublic = input.flag('public')
  if (provider === null && (!isPublic || place === 'provider')) throw receiverMissing()
  const receiver = isPublic ? null : await attestedKey(context, provider!)
  return { place, provider, receiver, put: await putterOf(context, input, place, provider) }
}

function placeOf(value: string): Place {
  const place = PLACES.find((name) => name === value)
  if (place) return place
  throw new AppError({
    code: 'option_invalid',
    message: `--to takes one of ${PLACES.join(', ')}, not "${value}"`,
    hint: 'See the help of the command',
    exitCode: EXIT.usage,
  })
}

async function attestedKey(context: Context, provider: Address): Promise<Uint8Array> {
  const { finetune } = await context.compute()
  const offer = await finetune.market.offer(await finetune.market.service(provider))
  const [{ assertVerified }, { receiverKey }] = await Promise.all([
    import('../../client/finetune/plan.ts'),
    import('../../client/dataset/receiverKey.ts'),
  ])
  const key = receiverKey(provider, offer.terms)
  const checked = await finetune.market.check(offer, policyOf(context.settings))
  assertVerified(checked, acceptsIncomplete(context.settings))
  return key
}

async function putterOf(context: Context, input: Input, place: Place, provider: Address | null) {
  if (place === 'local') {
    const { localStore } = await import('../../storage/stores/localStore.ts')
    return localStore(input.text('folder') ?? `${context.paths.state}/storage`).put
  }
  const key = await context.key()
  const { Wallet } = await import('ethers')
  if (place === '0g-storage') {
    const { indexerOf, zgStore } = await import('../../storage/stores/zgStore.ts')
    const { JsonRpcProvider } = await import('ethers')
    const { name, rpcUrls } = context.network
    const [indexer, rpc] = [input.text('indexer') ?? indexerOf(name), rpcUrls[0]!]
    return zgStore({ indexer, rpc, signer: new Wallet(await key.unlock(), new JsonRpcProvider(rpc)) }).put
  }
  const { finetune } = await context.compute()
  const api = finetune.market.api(await finetune.market.service(provider!))
  const [{ UserKey }, { datasetFile }, { uploadDigest }] = await Promise.all([
    import('../../client/finetune/userKey.ts'),
    import('../../client/finetune/dataset.ts'),
    import('../../protocol/finetune/signatures.ts'),
  ])
  return async (path: string): Promise<string> => {
    const user = new UserKey(new Wallet(await key.unlock()))
    const at = Math.floor(Date.now() / 1000)
    const signature = user.signPersonal(uploadDigest(user.address, at))
    return (await api.upload(user.address, await datasetFile(path, 'dataset'), signature, at)).datasetHash
  }
}

const receiverMissing = () =>
  new AppError({
    code: 'receiver_missing',
    message: 'It is not said which provider the dataset is for',
    hint: 'It is sealed for that provider’s attested key. For a dataset that anyone may read, say --public and --to.',
    next: '0g-compute dataset upload FILE --provider 0x…',
    exitCode: EXIT.usage,
  })
