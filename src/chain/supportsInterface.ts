import { type Contract, isError } from 'ethers'

/** Answers by contract and id. */
const known = new WeakMap<Contract, Map<string, Promise<boolean>>>()

/** Whether a contract says that it has an interface. A contract is asked once. @param id of ERC-165 */
export function supportsInterface(contract: Contract, id: string): Promise<boolean> {
  const answers = known.get(contract) ?? new Map<string, Promise<boolean>>()
  known.set(contract, answers)
  let answer = answers.get(id)
  if (!answer) {
    answer = ask(contract, id)
    answers.set(id, answer)
    answer.catch(() => answers.delete(id))
  }
  return answer
}

/** A contract that does not know the question answers nothing, or reverts. */
async function ask(contract: Contract, id: string): Promise<boolean> {
  try {
    return Boolean(await contract.getFunction('supportsInterface').staticCall(id))
  } catch (error) {
    if (isError(error, 'CALL_EXCEPTION') || isError(error, 'BAD_DATA')) return false
    throw error
  }
}
