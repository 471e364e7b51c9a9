import type { Policy } from '../attestation/policy.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import { connect } from '../chain/rpc.ts'
import { fileCapabilityStore } from './capabilities/fileCapabilityStore.ts'
import { Compute } from './compute.ts'
import { FineTuning } from './finetune/fineTuning.ts'
import { fundingTurn } from './funding/fundingTurn.ts'
import { fileKeyInventory } from './keys/fileKeyInventory.ts'
import { nodeRuntime } from './nodeRuntime.ts'
import { fileCache } from './recall/fileCache.ts'
import { memoryReceiptStore } from './receipts/memoryReceiptStore.ts'
import { sqliteReceiptStore } from './receipts/sqliteReceiptStore.ts'
import type { BuyerAccount } from './session.ts'
import { fileVoucherStore } from './vouchers/fileVoucherStore.ts'

export interface OpenComputeOptions {
  readonly network: NetworkProfile
  readonly account?: BuyerAccount
  /** Folder for receipts, keys and seen capabilities; without one they are kept for as long as the process lives. */
  readonly stateDir?: string
  /** What has to hold before a provider counts as verified; default `DEFAULT_POLICY`. */
  readonly policy?: Policy
}

/**
 * A client in Node.
 * @throws AppError `rpc_unreachable`, `wrong_chain`
 */
export async function openCompute({
  network,
  account,
  stateDir,
  policy,
}: OpenComputeOptions): Promise<Compute> {
  const rpc = await connect(network)
  return new Compute({
    network,
    rpc,
    runtime: nodeRuntime(),
    receipts: stateDir === undefined ? memoryReceiptStore() : sqliteReceiptStore(stateDir),
    ...(stateDir !== undefined && {
      keys: fileKeyInventory(stateDir),
      capabilities: fileCapabilityStore(stateDir),
      vouchers: fileVoucherStore(stateDir),
      cache: fileCache(stateDir, network),
      finetune: (session, tokens) => new FineTuning(session, tokens, stateDir),
    }),
    ...(policy && { policy }),
    ...(account && { account }),
    ...(account && stateDir !== undefined && { turn: fundingTurn(stateDir, network, account) }),
  })
}
