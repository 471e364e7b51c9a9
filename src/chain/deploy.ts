import {
  AbiCoder,
  concat,
  getCreateAddress,
  Interface,
  type Signer,
  type TransactionReceipt,
  type TransactionResponse,
} from 'ethers'
import { AppError } from '../base/errors.ts'
import type { Address, Hex } from '../base/hex.ts'
import { type Artifact, loadBuild } from './builds.ts'
import { FINE_TUNING_SERVICE, INFERENCE_SERVICE } from './ledger.ts'
import { untilMined } from './untilMined.ts'

/** Parameters of a network of one's own; all but the owner are fixed for ever. */
export interface DeployOptions {
  /** Registers services and acknowledges signers; none: every registered signer counts as acknowledged. */
  readonly owner?: Address
  /** Seconds from the request of a refund to its payment, and of a stake's exit. Default 86,400. */
  readonly lockTimeSeconds?: number
  /** What `MIN_LOCKTIME()` answers. Default 3,600, or the lock time where that is shorter. */
  readonly minLockTimeSeconds?: number
  /** Neuron. Default 100 0G. */
  readonly minProviderStake?: bigint
  /** Percent of a fee that an unacknowledged deliverable costs its user. Default 30. */
  readonly penaltyPercentage?: number
}

/** A deployed network. */
export interface Deployment {
  readonly chainId: number
  readonly ledger: Address
  readonly inference: Address
  readonly fineTuning: Address
  readonly stakes: Address
  /** Block of the first contract: events start here. */
  readonly block: number
  /** Gas of all transactions together. */
  readonly gasUsed: bigint
}

const SERVING_PARAMETERS =
  'tuple(address ledger, address stakes, address owner, uint256 lockTime, uint256 minLockTime, uint256 minProviderStake)'
const NO_ONE: Address = '0x0000000000000000000000000000000000000000'
/** Above what any of the contracts needs; later transactions cannot be estimated before the first is mined. */
const GAS_LIMIT = 12_000_000n

/**
 * Deploys ledger, stakes and both services, registers the services, and gives up the ledger's ownership when
 * there is no owner. All transactions are sent at once with explicit nonces.
 *
 * With an owner other than `signer`, the ledger's ownership waits for that owner's `acceptOwnership()`.
 *
 * @throws AppError `deployment_failed`
 * @example const network = await deployNetwork(wallet, { lockTimeSeconds: 5 })
 */
export async function deployNetwork(signer: Signer, options: DeployOptions = {}): Promise<Deployment> {
  const deployer = (await signer.getAddress()) as Address
  const parameters = withDefaults(options)
  const { ledger, stakes, inference, fineTuning } = await loadBuild(signer.provider!)
  const queue = await openQueue(signer, deployer)

  const ledgerAddress = queue.deploy(ledger, ['address'], [deployer])
  const stakesAddress = queue.deploy(stakes, ['uint256'], [parameters.lockTime])
  const serving = servingParameters(ledgerAddress, stakesAddress, parameters)
  const inferenceAddress = queue.deploy(inference, [SERVING_PARAMETERS], [serving])
  const fineTuningAddress = queue.deploy(
    fineTuning,
    [SERVING_PARAMETERS, 'uint256'],
    [serving, parameters.penalty],
  )
  const registry = new Interface(ledger.abi)
  queue.call(ledgerAddress, registry, 'registerService', registration(INFERENCE_SERVICE, inferenceAddress))
  queue.call(ledgerAddress, registry, 'registerService', registration(FINE_TUNING_SERVICE, fineTuningAddress))
  if (parameters.owner === NO_ONE) queue.call(ledgerAddress, registry, 'renounceOwnership', [])
  else if (parameters.owner.toLowerCase() !== deployer.toLowerCase())
    queue.call(ledgerAddress, registry, 'transferOwnership', [parameters.owner])

  const { block, gasUsed } = await queue.settle()
  return {
    chainId: queue.chainId,
    ledger: ledgerAddress,
    inference: inferenceAddress,
    fineTuning: fineTuningAddress,
    stakes: stakesAddress,
    block,
    gasUsed,
  }
}

interface Parameters {
  readonly owner: Address
  readonly lockTime: number
  readonly minLockTime: number
  readonly minStake: bigint
  readonly penalty: number
}

function withDefaults(options: DeployOptions): Parameters {
  const lockTime = options.lockTimeSeconds ?? 86_400
  return {
    owner: options.owner ?? NO_ONE,
    lockTime,
    minLockTime: options.minLockTimeSeconds ?? Math.min(3_600, lockTime),
    minStake: options.minProviderStake ?? 100n * 10n ** 18n,
    penalty: options.penaltyPercentage ?? 30,
  }
}

const servingParameters = (ledger: Address, stakes: Address, parameters: Parameters): readonly unknown[] => [
  ledger,
  stakes,
  parameters.owner,
  parameters.lockTime,
  parameters.minLockTime,
  parameters.minStake,
]

/** `inference-v1.0` as the arguments of `registerService`. */
function registration(fullName: string, address: Address): readonly unknown[] {
  const split = fullName.lastIndexOf('-')
  const type = fullName.slice(0, split)
  const version = fullName.slice(split + 1)
  return [type, version, address, `${type} serving service ${version}`]
}

interface Queue {
  readonly chainId: number
  deploy(artifact: Artifact, types: readonly string[], values: readonly unknown[]): Address
  call(to: Address, abi: Interface, name: string, values: readonly unknown[]): void
  settle(): Promise<{ block: number; gasUsed: bigint }>
}

/** Sends transactions one after another with counted nonces, and waits for all of them at the end. */
async function openQueue(signer: Signer, from: Address): Promise<Queue> {
  const [network, fees, first] = await Promise.all([
    signer.provider!.getNetwork(),
    signer.provider!.getFeeData(),
    signer.getNonce(),
  ])
  const price =
    fees.maxFeePerGas === null
      ? { type: 0, gasPrice: fees.gasPrice }
      : { type: 2, maxFeePerGas: fees.maxFeePerGas, maxPriorityFeePerGas: fees.maxPriorityFeePerGas }
  const sent: Promise<TransactionResponse>[] = []
  let last: Promise<unknown> = Promise.resolve()

  const send = (transaction: { to?: Address; data: string }): number => {
    const nonce = first + sent.length
    const response = last.then(() =>
      signer.sendTransaction({
        ...transaction,
        ...price,
        nonce,
        chainId: network.chainId,
        gasLimit: GAS_LIMIT,
      }),
    )
    last = response
    response.catch(() => undefined) // reported by settle()
    sent.push(response)
    return nonce
  }

  return {
    chainId: Number(network.chainId),
    deploy(artifact, types, values) {
      const nonce = send({
        data: concat([artifact.bytecode, AbiCoder.defaultAbiCoder().encode(types, values)]),
      })
      return getCreateAddress({ from, nonce }) as Address
    },
    call(to, abi, name, values) {
      send({ to, data: abi.encodeFunctionData(name, values) as Hex })
    },
    async settle() {
      try {
        const responses = await Promise.all(sent)
        const receipts = await Promise.all(responses.map((response) => mined(signer, response)))
        return {
          block: Math.min(...receipts.map(({ blockNumber }) => blockNumber)),
          gasUsed: receipts.reduce((sum, receipt) => sum + receipt.gasUsed, 0n),
        }
      } catch (cause) {
        throw new AppError({
          code: 'deployment_failed',
          message: 'The contracts could not be deployed',
          hint: 'The account needs gas for about 23 million units, and the chain the Cancun rules',
          cause,
        })
      }
    },
  }
}

async function mined(
  signer: Signer,
  { hash, from, nonce }: TransactionResponse,
): Promise<TransactionReceipt> {
  const receipt = await untilMined(signer.provider!, { hash, from, nonce, raw: null })
  if (receipt?.status === 1) return receipt
  throw new Error(receipt ? `${hash} reverted` : `${hash} was not mined in time`)
}
