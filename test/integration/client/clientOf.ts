import type { HDNodeWallet } from 'ethers'
import { afterEach } from 'vitest'
import type { Policy } from '../../../src/attestation/policy.ts'
import type { Address } from '../../../src/base/hex.ts'
import { connect } from '../../../src/chain/rpc.ts'
import { Compute } from '../../../src/client/compute.ts'
import { nodeRuntime } from '../../../src/client/nodeRuntime.ts'
import { memoryReceiptStore } from '../../../src/client/receipts/memoryReceiptStore.ts'
import type { ReceiptStore } from '../../../src/client/receipts/receiptStore.ts'
import type { Runtime } from '../../../src/client/runtime.ts'
import type { Contracts, World } from '../../support/world.ts'

/** A client of one of the world's wallets, with receipts of its own unless they are given. */
export async function clientOf(
  world: World,
  wallet: HDNodeWallet,
  receipts: ReceiptStore = memoryReceiptStore(),
  runtime: Runtime = nodeRuntime(),
  policy?: Policy,
): Promise<Compute> {
  const rpc = await connect(world.network)
  return new Compute({
    network: world.network,
    rpc,
    runtime,
    receipts,
    ...(policy && { policy }),
    account: { address: wallet.address as Address, signer: (provider) => wallet.connect(provider) },
  })
}

/** Clients of a world, closed after each test. */
export function openClients(world: () => World) {
  const open: Compute[] = []
  // The accounts before are the world's own.
  let next = 3
  afterEach(async () => {
    for (const compute of open.splice(0)) await compute.close()
  })
  const clientOfWallet = async (
    wallet: HDNodeWallet,
    ...more: [ReceiptStore?, Runtime?, Policy?]
  ): Promise<Compute> => {
    const compute = await clientOf(world(), wallet, ...more)
    open.push(compute)
    return compute
  }
  return {
    /** Another client of a wallet. */
    clientOf: clientOfWallet,
    /** A user who was never here before. */
    async newUser(runtime?: Runtime) {
      const wallet = world().anvil.wallets[next++] as HDNodeWallet
      return { wallet, compute: await clientOfWallet(wallet, memoryReceiptStore(), runtime) }
    },
  }
}

/** The transactions of one who never paid anybody: deposit, sub-account and acknowledgement of the signer. */
export const firstSteps = (contracts: Contracts): readonly string[] =>
  contracts === 'ours' ? ['onboard'] : ['deposit', 'transfer']

/** Approves every plan and counts transactions by kind. */
export function approval() {
  const sent: string[] = []
  return {
    sent,
    hooks: { approve: () => true, onStep: ({ kind }: { kind: string }) => void sent.push(kind) },
  }
}

/** Surroundings in which the document at a path of the broker reads differently. */
export function misreading(path: string, change: (text: string) => string): Runtime {
  const runtime = nodeRuntime()
  return {
    ...runtime,
    request: async (request) => {
      const response = await runtime.request(request)
      if (!new URL(request.url).pathname.endsWith(path)) return response
      return { ...response, body: changed(response.body, change) }
    },
  }
}

async function* changed(body: AsyncIterable<Uint8Array>, change: (text: string) => string) {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  yield Buffer.from(change(Buffer.concat(chunks).toString()))
}
