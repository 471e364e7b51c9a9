import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, EXIT } from '../../base/errors.ts'
import { bytesToHex, hexToBytes } from '../../base/hex.ts'
import { Mutex } from '../mutex.ts'
import type { VoucherOwner, VoucherState, VoucherStore } from './voucherStore.ts'

/** A lock that is older was left by a process that died, ms. */
const LOCK_DEAD_MS = 10_000
const LOCK_POLL_MS = 10

/**
 * One file a provider, readable by its owner alone and replaced as a whole:
 * `vouchers/<chain>/<contract>/<user>/<provider>.json`. It holds the session key: whoever reads it can sign up to the
 * key's cap, to that provider alone.
 */
export function fileVoucherStore(stateDir: string): VoucherStore {
  const turn = new Mutex()
  const pathOf = ({ chainId, contract, user, provider }: VoucherOwner): string =>
    join(stateDir, 'vouchers', String(chainId), ...[contract, user, `${provider}.json`].map(lower))
  return {
    read: (owner) => read(pathOf(owner)),
    change: (owner, change) =>
      turn.run(async () => {
        const path = pathOf(owner)
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        const unlock = await lock(`${path}.lock`)
        try {
          const state = change(await read(path))
          await write(path, state)
          return state
        } finally {
          await unlock()
        }
      }),
  }
}

const lower = (text: string): string => text.toLowerCase()

async function read(path: string): Promise<VoucherState | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
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

async function write(path: string, { key, ...state }: VoucherState): Promise<void> {
  const temporary = `${path}.${process.pid}`
  const file = await open(temporary, 'w', 0o600)
  try {
    const asText = (_name: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)
    await file.writeFile(`${JSON.stringify({ v: 1, key: bytesToHex(key), ...state }, asText)}\n`)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

/** @returns gives the lock back */
async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      await (await open(path, 'wx', 0o600)).close()
      return () => rm(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const age = await stat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      )
      if (age > LOCK_DEAD_MS) await rm(path, { force: true })
      else await sleep(LOCK_POLL_MS)
    }
  }
}

const malformed = (path: string): AppError =>
  new AppError({
    code: 'vouchers_malformed',
    message: `${path} is not what this client kept of its vouchers`,
    hint: 'Put it back from a copy. Without it another session key is delegated, and the provider shows what the old one signed',
    next: '0g-compute doctor',
    exitCode: EXIT.malformed,
  })
