import { hkdfSync, randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../base/errors.ts'
import { bytesToHex, hexToBytes } from '../../base/hex.ts'
import { allowsSimulatedTee, type NetworkProfile, type SimulatedTeeTrust } from '../../chain/networks.ts'
import { addressOf } from '../../protocol/signature.ts'
import { encryptionKeyOf } from './encryptionKey.ts'
import { type Authority, authorityFromJson, authorityToJson, createAuthority } from './simulated/authority.ts'
import { issueCollateral } from './simulated/collateral.ts'
import { describe, reportOf, simulatedMachine, trustIn } from './simulated/machine.ts'
import { issueQuote } from './simulated/quote.ts'
import type { Tee } from './tee.ts'

export interface SimulatedTeeOptions {
  /** The devnet's folder; key and authority lie in it, readable by its owner only. */
  readonly dir: string
  readonly network: NetworkProfile
  /** The broker's public URL, which must be on loopback too. */
  readonly url?: string
}

/** A simulated TEE says what a devnet's profile has to say of it. */
export interface SimulatedTee extends Tee {
  readonly kind: 'simulated'
  readonly trust: SimulatedTeeTrust
}

interface Secrets {
  readonly signerKey: Uint8Array
  readonly authority: Authority
}

const FILE = 'simulated-tee.json'
const ENCRYPTION_PATH = '/e2ee-enc'
/** Statements are issued anew after a day; each is in force for thirty. */
const COLLATERAL_MS = 86_400_000
/** Clocks are read to the second in statements. */
const CLOCK_MS = 60_000

/**
 * A TEE for a devnet: protects nothing and proves nothing, and its evidence says so, for it chains to a root that
 * only this devnet's profile names. Everything else is genuine: quotes of TDX version 4, an event log that replays,
 * statements about the platform, lists of revoked certificates.
 * @throws AppError `tee_simulated_refused` outside a devnet on this machine, `tee_key_invalid`
 */
export function openSimulatedTee({ dir, network, url }: SimulatedTeeOptions): SimulatedTee {
  if (!allowsSimulatedTee(network, ...(url === undefined ? [] : [url]))) throw refused(network, url)
  const { signerKey, authority } = secretsIn(dir)
  const machine = simulatedMachine()
  const collateral = freshCollateral(authority)
  return {
    kind: 'simulated',
    signerKey,
    signer: addressOf(signerKey),
    encryption: encryptionKeyOf(new Uint8Array(hkdfSync('sha256', signerKey, '', ENCRYPTION_PATH, 32))),
    trust: trustIn(machine, authority.root.certificate),
    quote: async (reportData) => ({
      quote: issueQuote(authority, reportOf(machine, reportData)),
      ...describe(machine),
      collateral: collateral(),
    }),
  }
}

/** What a devnet's profile says of the simulated TEE in its folder, which is made if it is not there yet. */
export function simulatedTeeTrust(dir: string): SimulatedTeeTrust {
  return trustIn(simulatedMachine(), secretsIn(dir).authority.root.certificate)
}

function freshCollateral(authority: Authority): () => Record<string, string> {
  let issuedAt = 0
  let collateral: Record<string, string> = {}
  return () => {
    const now = Date.now()
    if (now - issuedAt > COLLATERAL_MS) {
      issuedAt = now
      collateral = issueCollateral(authority, { issuedAt: now - CLOCK_MS })
    }
    return collateral
  }
}

/** The file in the folder, made once: two brokers that start together end up with the same. */
function secretsIn(dir: string): Secrets {
  const path = join(dir, FILE)
  const existing = readSecrets(path)
  if (existing) return existing
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.${bytesToHex(randomBytes(4))}`
  const authority = createAuthority({ now: Date.now() })
  const content = { v: 1, signerKey: bytesToHex(randomBytes(32)), authority: authorityToJson(authority) }
  writeFileSync(draft, JSON.stringify(content), { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  chmodSync(path, 0o600)
  return readSecrets(path)!
}

/** @returns null when there is no file */
function readSecrets(path: string): Secrets | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    const { v, signerKey, authority } = JSON.parse(text) as {
      v: number
      signerKey: string
      authority: unknown
    }
    if (v === 1 && /^[0-9a-f]{64}$/.test(signerKey)) {
      return { signerKey: hexToBytes(signerKey), authority: authorityFromJson(authority) }
    }
  } catch (error) {
    throw keyInvalid(path, error)
  }
  throw keyInvalid(path)
}

const refused = (network: NetworkProfile, url: string | undefined): AppError =>
  new AppError({
    code: 'tee_simulated_refused',
    message: `A simulated TEE counts on a devnet of this machine only, not ${allowsSimulatedTee(network) ? `at ${url}` : `on ${network.name}`}`,
    hint: 'Its key lies in a file: whoever reads the disk can sign in its name. Use dstack, or serve without a TEE',
    next: '0g-compute devnet up',
  })

const keyInvalid = (path: string, cause?: unknown): AppError =>
  new AppError({
    code: 'tee_key_invalid',
    message: `The devnet's signing key ${path} is damaged`,
    hint: 'Remove the devnet and make a new one; nothing of value hangs on its key',
    next: '0g-compute devnet down',
    ...(cause !== undefined && { cause }),
  })
