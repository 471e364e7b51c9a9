import type { HDNodeWallet } from 'ethers'
import type { World } from '../../support/world.ts'
import type { Page } from './site.ts'

interface WalletRequest {
  readonly method: string
  readonly params?: readonly unknown[]
}

/** What the wallet was asked to sign or send. */
export type Asked = string[]

/** Puts a wallet of the world into a page, as an extension would: EIP-1193 outside, the key nowhere in the page. */
export async function injectWallet(page: Page, world: World, wallet: HDNodeWallet): Promise<Asked> {
  const asked: Asked = []
  const answer = async ({ method, params = [] }: WalletRequest): Promise<unknown> => {
    const [first, second] = params as [string, string]
    if (method.startsWith('eth_send') || method.includes('sign')) asked.push(method)
    switch (method) {
      case 'eth_requestAccounts':
      case 'eth_accounts':
        return [wallet.address]
      case 'personal_sign':
        return wallet.signMessage(Buffer.from(first.slice(2), 'hex'))
      case 'eth_signTypedData_v4': {
        const { domain, types, message } = JSON.parse(second)
        const { EIP712Domain: _, ...own } = types
        return wallet.signTypedData(domain, own, message)
      }
      case 'eth_sendTransaction': {
        const { from: _from, gas, ...transaction } = params[0] as Record<string, string>
        return (await wallet.sendTransaction({ ...transaction, ...(gas && { gasLimit: gas }) })).hash
      }
      default:
        return world.anvil.rpc.send(method, [...params])
    }
  }
  await page.exposeFunction('walletRequest', answer)
  await page.addInitScript(
    'globalThis.ethereum = { request: (request) => globalThis.walletRequest(request), on() {}, removeListener() {} }',
  )
  await page.addInitScript(`globalThis.network = ${JSON.stringify(world.network)}`)
  return asked
}
