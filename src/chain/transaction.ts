import {
  type Contract,
  type ContractTransactionResponse,
  isError,
  type Signer,
  type TransactionReceipt,
  type TransactionRequest,
} from 'ethers'
import { AppError, EXIT } from '../base/errors.ts'
import { format0G } from '../base/units.ts'

/** A call that changes the chain, prepared and priced but not sent. */
export interface PreparedTransaction {
  /** For people, e.g. `deposit 0.5 0G`. */
  readonly title: string
  readonly request: TransactionRequest
  /** Sent along, neuron. */
  readonly value: bigint
  readonly gasLimit: bigint
  /** Neuron. The most that gas can cost. */
  readonly maxGasCost: bigint
}

export interface TransactionCall {
  readonly title: string
  readonly contract: Contract
  readonly method: string
  readonly args: readonly unknown[]
  readonly value?: bigint
}

/** Gas limit above the estimate, in percent: state may move between estimate and block. */
const GAS_MARGIN_PERCENT = 25n
const RECEIPT_TIMEOUT_MS = 120_000

/**
 * Prepares a call: simulates it and prices it.
 * @throws AppError `insufficient_funds` when the wallet cannot pay value and gas, `transaction_reverted` with the
 * contract's error when it would revert
 */
export async function prepare(signer: Signer, call: TransactionCall): Promise<PreparedTransaction> {
  const value = call.value ?? 0n
  const fn = call.contract.getFunction(call.method)
  try {
    const request = await fn.populateTransaction(...call.args, { value, from: await signer.getAddress() })
    const [estimate, fees] = await Promise.all([signer.estimateGas(request), signer.provider!.getFeeData()])
    const gasLimit = (estimate * (100n + GAS_MARGIN_PERCENT)) / 100n
    const price = fees.maxFeePerGas ?? fees.gasPrice ?? 0n
    const prepared = { title: call.title, request, value, gasLimit, maxGasCost: gasLimit * price }
    await assertCanPay(signer, prepared)
    return prepared
  } catch (error) {
    throw toTransactionError(error, call)
  }
}

/**
 * Sends a prepared call and waits until it is mined.
 * @throws AppError `transaction_reverted`, `transaction_unknown` (sent, not seen in time: retry finds out)
 */
export async function send(signer: Signer, prepared: PreparedTransaction): Promise<TransactionReceipt> {
  let response: ContractTransactionResponse
  try {
    const sent = await signer.sendTransaction({ ...prepared.request, gasLimit: prepared.gasLimit })
    response = sent as ContractTransactionResponse
  } catch (error) {
    throw toTransactionError(error, { title: prepared.title })
  }
  const receipt = await response.wait(1, RECEIPT_TIMEOUT_MS).catch((error: unknown) => {
    if (isError(error, 'CALL_EXCEPTION')) throw reverted(prepared.title, 'it reverted on chain', error)
    throw unknownOutcome(prepared.title, response.hash, error)
  })
  if (!receipt) throw unknownOutcome(prepared.title, response.hash)
  return receipt
}

async function assertCanPay(
  signer: Signer,
  { title, value, maxGasCost }: Omit<PreparedTransaction, 'request' | 'gasLimit'>,
): Promise<void> {
  const balance = await signer.provider!.getBalance(await signer.getAddress())
  const needed = value + maxGasCost
  if (balance < needed) throw insufficientFunds(title, needed, balance)
}

/** A foreign error of the chain in our words; mirrors ethers' error codes. @see https://docs.ethers.org/v6/api/utils/errors/ */
function toTransactionError(
  error: unknown,
  call: Pick<TransactionCall, 'title'> & Partial<TransactionCall>,
): unknown {
  if (error instanceof AppError) return error
  if (isError(error, 'INSUFFICIENT_FUNDS')) return insufficientFunds(call.title, call.value ?? 0n)
  if (isError(error, 'CALL_EXCEPTION')) {
    const revert = error.revert ?? (error.data ? call.contract?.interface.parseError(error.data) : null)
    const reason = revert ? `${revert.name}(${revert.args.join(', ')})` : (error.reason ?? 'no reason given')
    return reverted(call.title, reason, error, revert?.name)
  }
  return error
}

const insufficientFunds = (title: string, needed: bigint, balance?: bigint): AppError =>
  new AppError({
    code: 'insufficient_funds',
    message: `The wallet cannot pay for "${title}": ${format0G(needed)} 0G needed${
      balance === undefined ? '' : `, ${format0G(balance)} 0G there, ${format0G(needed - balance)} 0G missing`
    }`,
    hint: 'Send 0G to the wallet, then run the command again. Nothing was sent',
    next: '0g-compute wallet show',
    exitCode: EXIT.noFunds,
    status: 402,
    details: { needed: needed.toString(), ...(balance !== undefined && { balance: balance.toString() }) },
  })

const reverted = (title: string, reason: string, cause: unknown, error?: string): AppError =>
  new AppError({
    code: 'transaction_reverted',
    message: `"${title}" was refused by the contract: ${reason}`,
    hint: 'No money moved except gas',
    next: '0g-compute fund status',
    ...(error !== undefined && { details: { error } }),
    cause,
  })

const unknownOutcome = (title: string, hash: string, cause?: unknown): AppError =>
  new AppError({
    code: 'transaction_unknown',
    message: `"${title}" was sent as ${hash}, and is not mined yet`,
    hint: 'It may still be mined. Look before you send it again',
    next: '0g-compute fund status',
    retryable: true,
    details: { txHash: hash },
    cause,
  })
