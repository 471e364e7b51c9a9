import { createRequire } from 'node:module'
import type { Signer } from 'ethers'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Hex } from '../../base/hex.ts'
import { type FileStore, fileMissing, isRoot } from './fileStore.ts'
import { checked } from './localStore.ts'

export interface ZgStoreOptions {
  /** URL of the network's indexer, which knows the storage nodes. */
  readonly indexer: string
  /** URL of the chain that uploads are paid on. */
  readonly rpc: string
  /** Pays for uploads; not needed to fetch. */
  readonly signer?: Signer
  /** Where the SDK is looked for; default: beside this package. */
  readonly from?: string
}

/** The turbo indexers, by network. @see @0gfoundation/0g-compute-ts-sdk `fine-tuning/const` */
const ZG_INDEXERS: Readonly<Record<string, string>> = {
  mainnet: 'https://indexer-storage-turbo.0g.ai',
  testnet: 'https://indexer-storage-testnet-turbo.0g.ai',
}

/** The indexer of a network. @throws AppError `no_storage_here` */
export function indexerOf(network: string): string {
  const indexer = ZG_INDEXERS[network]
  if (indexer !== undefined) return indexer
  throw new AppError({
    code: 'no_storage_here',
    message: `The network ${network} has no 0G Storage that is known here`,
    hint: 'Name its indexer with --indexer, or use --to local.',
    exitCode: EXIT.usage,
  })
}

const PACKAGE = '@0gfoundation/0g-ts-sdk'

/** What is used of the SDK. Its calls answer with a value and an error. */
interface Sdk {
  readonly ZgFile: { fromFilePath(path: string): Promise<{ close(): Promise<void> }> }
  readonly Indexer: new (
    url: string,
  ) => {
    upload(file: object, rpc: string, signer: Signer): Promise<[{ readonly rootHash?: string }, Error | null]>
    download(root: string, path: string, proof: boolean): Promise<Error | null>
  }
}

/**
 * 0G Storage, through the network's own SDK, which users install when they want it.
 * @throws AppError `storage_sdk_missing`
 */
export function zgStore({ indexer, rpc, signer, from = import.meta.url }: ZgStoreOptions): FileStore {
  const { Indexer, ZgFile } = loadSdk(from)
  const client = new Indexer(indexer)
  return {
    async put(path) {
      if (!signer) throw new TypeError('an upload is paid by a signer')
      const file = await ZgFile.fromFilePath(path)
      try {
        const [{ rootHash }, error] = await reached(indexer, () => client.upload(file, rpc, signer))
        if (error || !rootHash) throw unreachable(indexer, error)
        return rootHash as Hex
      } finally {
        await file.close()
      }
    },

    async fetch(root, target) {
      if (!isRoot(root)) throw fileMissing(root)
      await checked(root, target, async (part) => {
        const error = await reached(indexer, () => client.download(root, part, true))
        if (error)
          throw /not found|No locations/i.test(error.message)
            ? fileMissing(root)
            : unreachable(indexer, error)
      })
    },
  }
}

function loadSdk(from: string): Sdk {
  try {
    return createRequire(from)(PACKAGE) as Sdk
  } catch (cause) {
    throw new AppError({
      code: 'storage_sdk_missing',
      message: `0G Storage needs the package ${PACKAGE}, which is not installed`,
      hint: 'Install it beside 0g-compute, or send the dataset to the provider itself.',
      next: `npm install ${PACKAGE} ethers@6.13.1`,
      exitCode: EXIT.unsupported,
      cause,
    })
  }
}

const silenced = { calls: 0, log: console.log, error: console.error }

/** Calls the SDK, which talks on stdout, where our result belongs. The last of several at once gives the word back. */
async function reached<T>(indexer: string, call: () => Promise<T>): Promise<T> {
  if (silenced.calls++ === 0) {
    silenced.log = console.log
    silenced.error = console.error
    console.log = () => {}
    console.error = () => {}
  }
  try {
    return await call()
  } catch (cause) {
    throw unreachable(indexer, cause)
  } finally {
    if (--silenced.calls === 0) {
      console.log = silenced.log
      console.error = silenced.error
    }
  }
}

const unreachable = (indexer: string, cause: unknown) =>
  new AppError({
    code: 'storage_unreachable',
    message: `0G Storage did not do it: ${cause instanceof Error ? cause.message.split('\n')[0] : 'no reason given'}`,
    hint: `The indexer is ${new URL(indexer).host}. Try again later, or send the dataset to the provider itself.`,
    retryable: true,
    status: 502,
    cause,
  })
