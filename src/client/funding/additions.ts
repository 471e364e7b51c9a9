import { type Contract, Interface, isError } from 'ethers'

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

const known = new WeakMap<Contract, Promise<boolean>>()

/** Whether `onboard` and `leave` are there: one transaction each instead of several. Asked once. */
export function hasAdditions(inference: Contract): Promise<boolean> {
  let answer = known.get(inference)
  if (!answer) {
    answer = ask(inference)
    known.set(inference, answer)
    answer.catch(() => known.delete(inference))
  }
  return answer
}

/** A contract that does not know the question answers nothing, or reverts. */
async function ask(inference: Contract): Promise<boolean> {
  try {
    return Boolean(await inference.getFunction('supportsInterface').staticCall(interfaceId(SERVING_FUNDS)))
  } catch (error) {
    if (isError(error, 'CALL_EXCEPTION') || isError(error, 'BAD_DATA')) return false
    throw error
  }
}
