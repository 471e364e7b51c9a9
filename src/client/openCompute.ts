import type { NetworkProfile } from '../chain/networks.ts'
import { connect } from '../chain/rpc.ts'
import { Compute } from './compute.ts'
import { fileKeyInventory } from './keys/fileKeyInventory.ts'
import { nodeRuntime } from './nodeRuntime.ts'
import { fileReceiptStore } from './receipts/fileReceiptStore.ts'
import { memoryReceiptStore } from './receipts/memoryReceiptStore.ts'
import type { BuyerAccount } from './session.ts'

export interface OpenComputeOptions {
  readonly network: NetworkProfile
  readonly account?: BuyerAccount
  /** Folder for receipts and the list of keys; without one they are kept for as long as the process lives. */
  readonly stateDir?: string
}

/**
 * A client in Node.
 * @throws AppError `rpc_unreachable`, `wrong_chain`
 */
export async function openCompute({ network, account, stateDir }: OpenComputeOptions): Promise<Compute> {
  const rpc = await connect(network)
  return new Compute({
    network,
    rpc,
    runtime: nodeRuntime(),
    receipts: stateDir === undefined ? memoryReceiptStore() : fileReceiptStore(stateDir),
    ...(stateDir !== undefined && { keys: fileKeyInventory(stateDir) }),
    ...(account && { account }),
  })
}
