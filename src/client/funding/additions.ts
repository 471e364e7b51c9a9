import { type Contract, Interface } from 'ethers'
import { supportsInterface } from '../../chain/supportsInterface.ts'

/** What our serving contract offers its ledger; the deployed one does not. @see IServingFunds.sol */
const SERVING_FUNDS = new Interface([
  'function balancesOf(address user, address[] providers) view returns (uint256)',
  'function spendableOf(address user, address provider) view returns (uint256)',
  'function onboard(address user, address provider, address signer) payable returns (bool)',
  'function requestRefund(address user, address provider, uint256 amount)',
])

/** The ERC-165 id of an interface: its selectors, XORed. */
export function interfaceId(abi: Interface): string {
  let id = 0n
  abi.forEachFunction(({ selector }) => {
    id ^= BigInt(selector)
  })
  return `0x${id.toString(16).padStart(8, '0')}`
}

/** Whether `onboard` and `leave` are there: one transaction each instead of several. Asked once. */
export const hasAdditions = (inference: Contract): Promise<boolean> =>
  supportsInterface(inference, interfaceId(SERVING_FUNDS))
