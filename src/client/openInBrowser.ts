import type { Policy } from '../attestation/policy.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import { connect } from '../chain/rpc.ts'
import { browserRuntime } from './browserRuntime.ts'
import { Compute } from './compute.ts'
import { memoryReceiptStore } from './receipts/memoryReceiptStore.ts'
import type { ReceiptStore } from './receipts/receiptStore.ts'
import type { BuyerAccount } from './session.ts'

export interface OpenComputeOptions {
  readonly network: NetworkProfile
  readonly account?: BuyerAccount
  /** Default: kept for as long as the page lives. An audit fetches them again from the providers. */
  readonly receipts?: ReceiptStore
  /** What has to hold before a provider counts as verified; default `DEFAULT_POLICY`. */
  readonly policy?: Policy
}

/**
 * A client in a page.
 * @throws AppError `rpc_unreachable`, `wrong_chain`
 * @example
 * const account = await eip1193Account(window.ethereum, network)
 * const compute = await openCompute({ network, account })
 */
export async function openCompute(options: OpenComputeOptions): Promise<Compute> {
  const { network, account, receipts = memoryReceiptStore(), policy } = options
  const rpc = await connect(network)
  return new Compute({
    network,
    rpc,
    runtime: browserRuntime(),
    receipts,
    ...(policy && { policy }),
    ...(account && { account }),
  })
}
