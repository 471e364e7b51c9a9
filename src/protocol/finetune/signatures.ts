import { keccak256 } from 'ethers/crypto'
import { concat, toBeHex, toUtf8Bytes } from 'ethers/utils'
import type { Address, Hex } from '../../base/hex.ts'

/**
 * What the user signs for each request about a task: 32 bytes, by `personal_sign` over all of them
 * (`personalBytesDigest`). The deployed client drops leading zero bytes, which fails for one digest in 256; here
 * none is dropped.
 * @see client-wire.md section 2.3
 */

/** How old a timestamp may be, and how far ahead, seconds. @see provider-broker.md section 2.2 */
export const SIGNATURE_AGE_SECONDS = 300
export const SIGNATURE_AHEAD_SECONDS = 60

/** Creating a task. @param datasetHash as sent */
export const createTaskDigest = (user: Address, nonce: bigint, datasetHash: string): Hex =>
  keccak256(concat([user, toBeHex(nonce, 32), toUtf8Bytes(datasetHash)])) as Hex

/** Cancelling one. @param id uuid */
export const cancelTaskDigest = (id: string): Hex => keccak256(`0x${uuidHex(id)}`) as Hex

/** Uploading a dataset. @param user in the very case that is in the request's path */
export const uploadDigest = (user: string, timestampSeconds: number): Hex =>
  keccak256(toUtf8Bytes(`${user}${timestampSeconds}`)) as Hex

/** Downloading the sealed model. */
export const downloadDigest = (id: string, timestampSeconds: number): Hex =>
  keccak256(toUtf8Bytes(`${uuidHex(id)}${timestampSeconds}`)) as Hex

/** Reading log and events of a task; ours. */
export const taskReadDigest = (id: string, timestampSeconds: number): Hex =>
  keccak256(toUtf8Bytes(`0g-compute task read ${uuidHex(id)} ${timestampSeconds}`)) as Hex

/** Header of a request that reads: `<unix seconds>:<signature over taskReadDigest>`. */
export const TASK_READ_HEADER = 'zg-task-read'

export const taskReadHeader = (timestampSeconds: number, signature: Hex): string =>
  `${timestampSeconds}:${signature}`

/** The parts of `taskReadHeader`, or null. */
export function parseTaskReadHeader(value: string): { timestampSeconds: number; signature: Hex } | null {
  const match = /^(\d{1,12}):(0x[0-9a-fA-F]{130})$/.exec(value)
  return match && { timestampSeconds: Number(match[1]), signature: match[2] as Hex }
}

/** Whether a signed timestamp is in force. Both in unix seconds. */
export const isTimely = (timestampSeconds: number, nowSeconds: number): boolean =>
  Number.isSafeInteger(timestampSeconds) &&
  nowSeconds - timestampSeconds <= SIGNATURE_AGE_SECONDS &&
  timestampSeconds - nowSeconds <= SIGNATURE_AHEAD_SECONDS

/** 32 hex digits of a uuid. @throws TypeError for anything else */
function uuidHex(id: string): string {
  const digits = id.replaceAll('-', '').toLowerCase()
  if (!/^[0-9a-f]{32}$/.test(digits)) throw new TypeError('not a uuid')
  return digits
}
