import { keccak256 } from 'ethers/crypto'
import { type Address, type Hex, isAddress } from '../../base/hex.ts'
import { keccakText } from '../../base/keccak.ts'
import { checksummed } from '../checksummed.ts'
import { addressWord, type Domain, FINE_TUNING_DOMAIN, typedDigest, uintWord } from '../eip712.ts'
import { type PrivateKey, recoverDigest, signDigest } from '../signature.ts'

/**
 * The user's consent to a task: fee, signer, deadlines. Its EIP-712 struct hash is the order's id; it opens once.
 * Amounts in neuron, times and windows in seconds.
 * @see contracts/interfaces/ITaskEscrow.sol
 */
export interface TaskOrder {
  readonly provider: Address
  readonly user: Address
  /** The provider's enclave; only what it signs is a delivery. */
  readonly signer: Address
  /** `specHash` of what is to be trained. */
  readonly task: Hex
  readonly maxFee: bigint
  readonly trainBy: number
  readonly ackWindow: number
  readonly revealWindow: number
  /** uint64; makes two equal orders two. */
  readonly nonce: bigint
}

/** JSON form: amounts and nonce are decimal strings. */
export interface TaskOrderJson extends Omit<TaskOrder, 'maxFee' | 'nonce'> {
  readonly maxFee: string
  readonly nonce: string
}

/** What the enclave signs when the model is done. */
export interface TaskDelivery {
  readonly provider: Address
  /** Id of the order. */
  readonly order: Hex
  /** 0G root of the sealed file. */
  readonly modelRoot: Hex
  /** keccak256 of the encrypted key. */
  readonly keyHash: Hex
  readonly fee: bigint
  /** Unix seconds by which it has to be on chain. */
  readonly deadline: number
}

export const TASK_ORDER_TYPE =
  'TaskOrder(address provider,address user,address signer,bytes32 task,uint96 maxFee,uint40 trainBy,uint40 ackWindow,uint40 revealWindow,uint64 nonce)'
export const TASK_DELIVERY_TYPE =
  'TaskDelivery(address provider,bytes32 order,bytes32 modelRoot,bytes32 keyHash,uint96 fee,uint40 deadline)'
/** The fields, for signers that take typed data (`signTypedData`). */
export const TASK_ORDER_FIELDS = {
  TaskOrder: [
    { name: 'provider', type: 'address' },
    { name: 'user', type: 'address' },
    { name: 'signer', type: 'address' },
    { name: 'task', type: 'bytes32' },
    { name: 'maxFee', type: 'uint96' },
    { name: 'trainBy', type: 'uint40' },
    { name: 'ackWindow', type: 'uint40' },
    { name: 'revealWindow', type: 'uint40' },
    { name: 'nonce', type: 'uint64' },
  ],
}
/** The deployed contract's settlement of a task. The provider is not in it. @see contracts.md section 2.2 */
export const VERIFIER_MESSAGE_TYPE =
  'VerifierMessage(string id,bytes encryptedSecret,bytes modelRootHash,uint256 nonce,uint256 taskFee,address user)'

const ORDER_TYPE_HASH = keccakText(TASK_ORDER_TYPE)
const DELIVERY_TYPE_HASH = keccakText(TASK_DELIVERY_TYPE)
const VERIFIER_TYPE_HASH = keccakText(VERIFIER_MESSAGE_TYPE)

export const fineTuningDomain = (chainId: number, contract: Address): Domain => ({
  name: FINE_TUNING_DOMAIN,
  chainId,
  verifyingContract: contract,
})

const orderWords = (order: TaskOrder): Hex[] => [
  addressWord(order.provider),
  addressWord(order.user),
  addressWord(order.signer),
  order.task,
  uintWord(order.maxFee),
  uintWord(order.trainBy),
  uintWord(order.ackWindow),
  uintWord(order.revealWindow),
  uintWord(order.nonce),
]

/** Id of an order on chain: the hash of its struct, which names no contract. */
export const taskOrderId = (order: TaskOrder): Hex =>
  keccak256(
    `${ORDER_TYPE_HASH}${orderWords(order)
      .map((word) => word.slice(2))
      .join('')}`,
  ) as Hex

/** EIP-712 digest that the user signs. */
export const taskOrderDigest = (chainId: number, contract: Address, order: TaskOrder): Hex =>
  typedDigest(fineTuningDomain(chainId, contract), ORDER_TYPE_HASH, orderWords(order))

export const signTaskOrder = (key: PrivateKey, chainId: number, contract: Address, order: TaskOrder): Hex =>
  signDigest(key, taskOrderDigest(chainId, contract, order))

/** Who signed an order, or null for what is no signature. */
export const recoverTaskOrder = (
  chainId: number,
  contract: Address,
  order: TaskOrder,
  signature: string,
): Address | null => recoverDigest(taskOrderDigest(chainId, contract, order), signature)

/** EIP-712 digest that the enclave signs. */
export const taskDeliveryDigest = (chainId: number, contract: Address, delivery: TaskDelivery): Hex =>
  typedDigest(fineTuningDomain(chainId, contract), DELIVERY_TYPE_HASH, [
    addressWord(delivery.provider),
    delivery.order,
    delivery.modelRoot,
    delivery.keyHash,
    uintWord(delivery.fee),
    uintWord(delivery.deadline),
  ])

export const signTaskDelivery = (
  key: PrivateKey,
  chainId: number,
  contract: Address,
  delivery: TaskDelivery,
): Hex => signDigest(key, taskDeliveryDigest(chainId, contract, delivery))

/** A deliverable's settlement on the deployed contract. */
export interface VerifierMessage {
  /** Of the deliverable: the task's uuid. */
  readonly id: string
  readonly encryptedSecret: Hex
  readonly modelRootHash: Hex
  readonly nonce: bigint
  readonly taskFee: bigint
  readonly user: Address
}

/** EIP-712 digest of `settleFees`. @see contracts.md section 2.2 */
export const verifierMessageDigest = (chainId: number, contract: Address, message: VerifierMessage): Hex =>
  typedDigest(fineTuningDomain(chainId, contract), VERIFIER_TYPE_HASH, [
    keccakText(message.id),
    keccak256(message.encryptedSecret) as Hex,
    keccak256(message.modelRootHash) as Hex,
    uintWord(message.nonce),
    uintWord(message.taskFee),
    addressWord(message.user),
  ])

export const signVerifierMessage = (
  key: PrivateKey,
  chainId: number,
  contract: Address,
  message: VerifierMessage,
): Hex => signDigest(key, verifierMessageDigest(chainId, contract, message))

export const taskOrderToJson = (order: TaskOrder): TaskOrderJson => ({
  ...order,
  maxFee: order.maxFee.toString(),
  nonce: order.nonce.toString(),
})

/**
 * Reads the JSON form strictly.
 * @throws TypeError naming the field that is missing or malformed
 */
export function taskOrderFromJson(value: unknown): TaskOrder {
  const json = (value ?? {}) as TaskOrderJson
  const check = (ok: boolean, field: string): void => {
    if (!ok) throw new TypeError(`order: ${field} is missing or malformed`)
  }
  for (const field of ['provider', 'user', 'signer'] as const) check(isAddress(json[field]), field)
  check(typeof json.task === 'string' && /^0x[0-9a-f]{64}$/.test(json.task), 'task')
  for (const field of ['trainBy', 'ackWindow', 'revealWindow'] as const) check(isUint40(json[field]), field)
  check(isDecimalBelow(json.maxFee, 2n ** 96n), 'maxFee')
  check(isDecimalBelow(json.nonce, 2n ** 64n), 'nonce')
  const { provider, user, signer, task, trainBy, ackWindow, revealWindow } = json
  return {
    provider: checksummed(provider),
    user: checksummed(user),
    signer: checksummed(signer),
    task,
    maxFee: BigInt(json.maxFee),
    trainBy,
    ackWindow,
    revealWindow,
    nonce: BigInt(json.nonce),
  }
}

const isUint40 = (value: unknown): boolean =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 40

const isDecimalBelow = (value: unknown, limit: bigint): boolean =>
  typeof value === 'string' && /^(0|[1-9]\d{0,29})$/.test(value) && BigInt(value) < limit
