import type { Contract, JsonRpcApiProvider, Provider, Signer } from 'ethers'
import type { Policy } from '../attestation/policy.ts'
import { AppError, EXIT } from '../base/errors.ts'
import type { Address, Hex } from '../base/hex.ts'
import type { Turn } from '../base/mutex.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import type { CapabilityStore } from './capabilities/capabilityStore.ts'
import type { Cache } from './recall/cache.ts'
import type { ReceiptStore } from './receipts/receiptStore.ts'
import type { Runtime } from './runtime.ts'
import type { VoucherStore } from './vouchers/voucherStore.ts'

/** The buyer: an address, and a signer that is made when something has to be signed. */
export interface BuyerAccount {
  readonly address: Address
  readonly signer: (rpc: Provider) => Promise<Signer> | Signer
  /** `personal_sign` of 32 bytes, where that needs neither a chain nor a question. */
  readonly sign?: (bytes: Hex) => Promise<Hex>
}

/** What buying works with: where everything is known, the chain is not asked, and nothing for it is loaded. */
export interface BuyerSession {
  readonly network: NetworkProfile
  readonly runtime: Runtime
  readonly receipts: ReceiptStore
  /** What brokers were seen to be able to do. */
  readonly capabilities: CapabilityStore
  /** What was signed for providers without a TEE; by default remembered for as long as the process lives. */
  readonly vouchers?: VoucherStore
  /** What has to hold before a provider counts as verified; default `DEFAULT_POLICY`. */
  readonly policy?: Policy
  readonly account: BuyerAccount | null
  /** Where this user's money moves one at a time; by default of one client alone. */
  readonly turn?: Turn
  /** What an earlier process of this user found out, and may turn out to have changed. */
  readonly cache?: Cache
  /**
   * With the chain.
   * @throws AppError `rpc_unreachable`, `wrong_chain`
   */
  readonly connected: () => Promise<Session>
}

/** What every part of the client works with. */
export interface Session extends BuyerSession {
  readonly rpc: JsonRpcApiProvider
  readonly ledger: Contract
  readonly inference: Contract
}

/** @throws AppError `no_key` */
export function requireAccount(session: Pick<Session, 'account'>): BuyerAccount {
  if (session.account) return session.account
  throw new AppError({
    code: 'no_key',
    message: 'This needs a wallet, and the client has none',
    hint: 'Pass an account when the client is made',
    next: '0g-compute wallet new',
    exitCode: EXIT.noKey,
  })
}
