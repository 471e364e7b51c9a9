import type { Provider, Signer } from 'ethers'
import type { Address } from '../../base/hex.ts'
import type { BuyerAccount } from '../session.ts'

/** An account of any ethers signer: a `Wallet`, a hardware signer. It is connected to the network's RPC. */
export async function signerAccount(signer: Signer): Promise<BuyerAccount> {
  const address = (await signer.getAddress()) as Address
  return { address, signer: (rpc: Provider) => signer.connect(rpc) }
}
