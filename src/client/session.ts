import type { Contract, JsonRpcApiProvider, Provider, Signer } from 'ethers'
import { AppError, EXIT } from '../base/errors.ts'
import type { Address } from '../base/hex.ts'
import type { NetworkProfile } from '../chain/networks.ts'
import type { ReceiptStore } from './receipts/receiptStore.ts'
import type { Runtime } from './runtime.ts'

/** The buyer: an address, and a signer that is made when something has to be signed. */
export interface BuyerAccount {
  readonly address: Address
  readonly signer: (rpc: Provider) => Promise<Signer> | Signer
}

/** What every part of the client works with. */
export interface Session {
  readonly network: NetworkProfile
  readonly rpc: JsonRpcApiProvider
  readonly ledger: Contract
  readonly inference: Contract
  readonly runtime: Runtime
  readonly receipts: ReceiptStore
  readonly account: BuyerAccount | null
}

/** @throws AppError `no_key` */
export function requireAccount(session: Session): BuyerAccount {
  if (session.account) return session.account
  throw new AppError({
    code: 'no_key',
    message: 'This needs a wallet, and the client has none',
    hint: 'Pass an account when the client is made',
    next: '0g-compute wallet new',
    exitCode: EXIT.noKey,
  })
}
