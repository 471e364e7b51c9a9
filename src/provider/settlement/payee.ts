import type { Contract, Signer } from 'ethers'
import { type Address, sameAddress } from '../../base/hex.ts'
import type { Logger } from '../../base/log.ts'
import { hasBatches } from '../../chain/batches.ts'
import { prepare, send } from '../../chain/transaction.ts'
import type { SettlementReport } from './report.ts'

export interface PayeeOptions {
  /** `InferenceServing`. */
  readonly contract: Contract
  readonly operator: Signer
  /** Where earnings go: an address whose key is not on this machine. */
  readonly payee: Address
  /** What the operator's account keeps for gas where earnings pass through it, neuron. */
  readonly keep: bigint
  readonly log: Logger
}

/** A plain transfer. */
const TRANSFER_GAS = 21_000n

/** Has the contract pay the payee itself, where it can: earnings then never lie on an account whose key is here. */
export async function namePayee({ contract, operator, payee, log }: PayeeOptions): Promise<void> {
  if (!(await hasBatches(contract))) return
  const provider = await operator.getAddress()
  const present: Address = await contract.getFunction('payeeOf').staticCall(provider)
  if (sameAddress(present, payee)) return
  const title = `have earnings paid to ${payee}`
  const { hash } = await send(
    operator,
    await prepare(operator, { title, contract, method: 'setPayee', args: [payee] }),
  )
  log.info('payee_named', { to: payee, txHash: hash })
}

/** On the deployed contracts, which pay the provider's account: what lies there beyond `keep` goes on to the payee. */
export async function sweep(report: SettlementReport, options: PayeeOptions): Promise<void> {
  const { contract, operator, payee, keep, log } = options
  if (report.paid === 0n || (await hasBatches(contract))) return
  const rpc = operator.provider!
  const [balance, fees] = await Promise.all([rpc.getBalance(await operator.getAddress()), rpc.getFeeData()])
  const price = fees.maxFeePerGas ?? fees.gasPrice ?? 0n
  const value = balance - keep - price * TRANSFER_GAS
  if (value <= 0n) return
  const { hash } = await operator.sendTransaction({ to: payee, value, gasLimit: TRANSFER_GAS })
  log.info('earnings_swept', { to: payee, amount: value, txHash: hash })
}
