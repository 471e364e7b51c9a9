import { keccak256 } from 'ethers/crypto'
import { concat, toBeHex } from 'ethers/utils'
import type { Address, Hex } from '../base/hex.ts'
import { keccakText } from '../base/keccak.ts'
import { addressWord, INFERENCE_DOMAIN, typedDigest, uintWord } from './eip712.ts'
import { type PrivateKey, signDigest } from './signature.ts'

/** What one payer owes in all since the beginning, neuron. */
export interface BatchRow {
  readonly user: Address
  readonly cumulative: bigint
}

/** A settlement of many payers by one signature. */
export interface SettlementBatch {
  readonly provider: Address
  /** The batch's own number: above that of every receipt it covers. Its upper 16 bits are the epoch. */
  readonly upTo: number
  /** Unix seconds at which the batch was made. */
  readonly asOf: number
  readonly rows: readonly BatchRow[]
}

export const SETTLEMENT_BATCH_TYPE =
  'SettlementBatch(address provider,uint32 epoch,uint48 upTo,uint64 asOf,bytes rows)'

const TYPE_HASH = keccakText(SETTLEMENT_BATCH_TYPE)

/** Numbers of an epoch start here: `epoch × 2^32`. */
export const EPOCH_NUMBERS = 2 ** 32

/** The epoch that a number belongs to. */
export const epochOfNumber = (number: number): number => Math.floor(number / EPOCH_NUMBERS)

/** Rows as the contract reads them: 20 bytes of address and 12 of cumulative, one after the other. */
export const encodeBatchRows = (rows: readonly BatchRow[]): Hex =>
  concat(rows.flatMap(({ user, cumulative }) => [user, toBeHex(cumulative, 12)])) as Hex

/** EIP-712 digest of a batch. */
export function batchDigest(chainId: number, contract: Address, batch: SettlementBatch): Hex {
  const { provider, upTo, asOf, rows } = batch
  return typedDigest({ name: INFERENCE_DOMAIN, chainId, verifyingContract: contract }, TYPE_HASH, [
    addressWord(provider),
    uintWord(epochOfNumber(upTo)),
    uintWord(upTo),
    uintWord(asOf),
    keccak256(encodeBatchRows(rows)) as Hex,
  ])
}

export const signBatch = (key: PrivateKey, chainId: number, contract: Address, batch: SettlementBatch): Hex =>
  signDigest(key, batchDigest(chainId, contract, batch))
