import type { JsonRpcApiProvider } from 'ethers'
import type { Policy } from '../attestation/policy.ts'
import type { Turn } from '../base/mutex.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import type { CapabilityStore } from './capabilities/capabilityStore.ts'
import type { FineTuning } from './finetune/fineTuning.ts'
import type { KeyInventory } from './keys/keyInventory.ts'
import type { Cache } from './recall/cache.ts'
import type { ReceiptStore } from './receipts/receiptStore.ts'
import type { Runtime } from './runtime.ts'
import type { BuyerAccount, Session } from './session.ts'
import type { SessionTokens } from './tokens.ts'
import type { VoucherStore } from './vouchers/voucherStore.ts'

/** What a client is made of; `openCompute` puts it together. */
export interface ComputeOptions {
  readonly network: NetworkProfile
  /** Connected to that network; `connect` makes sure that it is. */
  readonly rpc: JsonRpcApiProvider
  readonly runtime: Runtime
  readonly receipts: ReceiptStore
  /** Which API keys were made; by default remembered for as long as the process lives. */
  readonly keys?: KeyInventory
  /** What brokers were seen to be able to do; by default remembered for as long as the process lives. */
  readonly capabilities?: CapabilityStore
  /** What was signed for providers without a TEE; by default remembered for as long as the process lives. */
  readonly vouchers?: VoucherStore
  /** What an earlier process found out; by default every process finds out for itself. */
  readonly cache?: Cache
  /** What has to hold before a provider counts as verified; default `DEFAULT_POLICY`. */
  readonly policy?: Policy
  /** Makes the part that fine-tunes, which needs files to keep. */
  readonly finetune?: (session: Session, tokens: SessionTokens) => FineTuning
  /** Whose money is spent. Discovery works without. */
  readonly account?: BuyerAccount
  /** Where this user's money moves one at a time; by default of this client alone. */
  readonly turn?: Turn
}
