import { join } from 'node:path'
import { AppError, EXIT } from '../../base/errors.ts'
import { bytesToHex, hexToBytes } from '../../base/hex.ts'
import { StateFile } from '../stateFile.ts'
import type { VoucherOwner, VoucherState, VoucherStore } from './voucherStore.ts'

/**
 * One file a provider, readable by its owner alone and replaced as a whole:
 * `vouchers/<chain>/<contract>/<user>/<provider>.json`. It holds the session key: whoever reads it can sign up to the
 * key's cap, to that provider alone.
 */
export function fileVoucherStore(stateDir: string): VoucherStore {
  const files = new Map<string, StateFile>()
  const fileOf = ({ chainId, contract, user, provider }: VoucherOwner): StateFile => {
    const path = join(
      stateDir,
      'vouchers',
      String(chainId),
      ...[contract, user, `${provider}.json`].map(lower),
    )
    const file = files.get(path) ?? new StateFile(path)
    files.set(path, file)
    return file
  }
  return {
    async read(owner) {
      const file = fileOf(owner)
      return parse(await file.read(), file.path)
    },
    async change(owner, change) {
      const file = fileOf(owner)
      const text = await file.change((before) => format(change(parse(before, file.path))))
      return parse(text, file.path)!
    },
  }
}

const lower = (text: string): string => text.toLowerCase()

function parse(text: string | null, path: string): VoucherState | null {
  if (text === null) return null
  try {
    const { v, key, former, cap, expiry, verified, signed, pledges, counted } = JSON.parse(text)
    if (v === 1 && /^[0-9a-f]{64}$/.test(key) && Array.isArray(counted))
      return {
        key: hexToBytes(key),
        former: former ?? [],
        cap: BigInt(cap),
        expiry: Number(expiry),
        verified: BigInt(verified),
        signed: BigInt(signed),
        pledges: pledges.map((pledge: { amount: string }) => ({ ...pledge, amount: BigInt(pledge.amount) })),
        counted,
      }
  } catch {
    // answered below, like JSON that is something else
  }
  throw malformed(path)
}

function format({ key, ...state }: VoucherState): string {
  const asText = (_name: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)
  return `${JSON.stringify({ v: 1, key: bytesToHex(key), ...state }, asText)}\n`
}

const malformed = (path: string): AppError =>
  new AppError({
    code: 'vouchers_malformed',
    message: `${path} is not what this client kept of its vouchers`,
    hint: 'Put it back from a copy. Without it another session key is delegated, and the provider shows what the old one signed',
    next: '0g-compute doctor',
    exitCode: EXIT.malformed,
  })
