import {
  BaseWallet,
  type Contract,
  isError,
  type Signer,
  Transaction,
  type TransactionReceipt,
  type TransactionRequest,
} from 'ethers'
import { AppError, EXIT } from '../base/errors.ts'
import { format0G } from '../base/units.ts'
import { type SentTransaction, untilMined } from './untilMined.ts'

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
  const { title, request, gasLimit } = prepared
  const sent = await dispatch(signer, { ...request, gasLimit }).catch((error: unknown) => {
    throw toTransactionError(error, { title })
  })
  const receipt = await untilMined(signer.provider!, sent)
  if (!receipt) throw unknownOutcome(title, sent.hash)
  if (receipt.status === 0) throw reverted(title, 'it reverted on chain')
  return receipt
}

/** Where the key is here the hash is known before anything leaves: an answer that is lost on the way loses nothing. */
async function dispatch(signer: Signer, request: TransactionRequest): Promise<SentTransaction> {
  if (!(signer instanceof BaseWallet)) {
    const { hash, from, nonce } = await signer.sendTransaction(request)
    return { hash, from, nonce, raw: null }
  }
  const raw = await signer.signTransaction(await signer.populateTransaction(request))
  const { hash, nonce } = Transaction.from(raw) as Transaction & { readonly hash: string }
  const provider = signer.provider!
  await provider.broadcastTransaction(raw).catch(async (error: unknown) => {
    // "Already known", or a nonce that is used up, may be the word of a second node about what the first one took.
    const isOut = isUnreachable(error) || (await provider.getTransaction(hash).catch(isUnreachable))
    if (!isOut) throw error
  })
  return { hash, from: signer.address, nonce, raw }
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'rpc_unreachable'

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

const reverted = (title: string, reason: string, cause?: unknown, error?: string): AppError =>
  new AppError({
    code: 'transaction_reverted',
    message: `"${title}" was refused by the contract: ${reason}`,
    hint: 'No money moved except gas',
    next: '0g-compute fund status',
    ...(error !== undefined && { details: { error } }),
    cause,
  })

const unknownOutcome = (title: string, hash: string): AppError =>
  new AppError({
    code: 'transaction_unknown',
    message: `"${title}" was sent as ${hash}, and is not mined yet`,
    hint: 'It may still be mined. Look before you send it again',
    next: '0g-compute fund status',
    retryable: true,
    details: { txHash: hash },
  })
