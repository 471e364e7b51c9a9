import { BrowserProvider, type Eip1193Provider } from 'ethers'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { NetworkProfile } from '../../chain/networks.ts'
import type { BuyerAccount } from '../session.ts'

/**
 * An account of a wallet that keeps its key to itself: a browser extension, WalletConnect, a hardware wallet.
 * It signs and sends its own transactions; this network is read through our RPC.
 * @throws AppError `wallet_wrong_chain`, `wallet_refused`
 */
export async function eip1193Account(
  wallet: Eip1193Provider,
  network: NetworkProfile,
): Promise<BuyerAccount> {
  const provider = new BrowserProvider(wallet, 'any')
  const [first] = (await wallet.request({ method: 'eth_requestAccounts' }).catch((cause: unknown) => {
    throw refused(cause)
  })) as string[]
  if (first === undefined) throw refused(undefined)
  const chainId = Number((await provider.getNetwork()).chainId)
  if (chainId !== network.chainId) throw wrongChain(network, chainId)
  return { address: first as Address, signer: () => provider.getSigner(first) }
}

const refused = (cause: unknown): AppError =>
  new AppError({
    code: 'wallet_refused',
    message: 'The wallet shows no account',
    hint: 'Unlock it, and allow this page to see an account',
    exitCode: EXIT.noKey,
    cause,
  })

const wrongChain = (network: NetworkProfile, chainId: number): AppError =>
  new AppError({
    code: 'wallet_wrong_chain',
    message: `The wallet is on chain ${chainId}, ${network.name} is chain ${network.chainId}`,
    hint: 'Nothing was sent. Switch the wallet to that network',
    exitCode: EXIT.noKey,
  })
