import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../base/errors.ts'
import { type Address, bytesToHex, hexToBytes } from '../../base/hex.ts'
import { allowsSimulatedTee, type NetworkProfile } from '../../chain/networks.ts'
import { addressOf } from '../../protocol/signature.ts'
import { bootEvent, replayRtmr, runtimeEvent, type TdxEvent, tdxQuote } from './tdxQuote.ts'
import type { QuoteDocument, Tee } from './tee.ts'

export interface SimulatedTeeOptions {
  /** The devnet's folder; the key lies in it, readable by its owner only. */
  readonly dir: string
  readonly network: NetworkProfile
  /** The broker's public URL, which must be on loopback too. */
  readonly url?: string
}

const KEY_FILE = 'simulated-tee.key'

/**
 * A TEE for a devnet: protects nothing, proves nothing, and says so. The document has the deployed layout and
 * its registers replay, so that everything that reads evidence can be tried; its signature section holds the
 * words "simulated" instead of a signature.
 * @throws AppError `tee_simulated_refused` outside a devnet on this machine, `tee_key_invalid`
 */
export function openSimulatedTee({ dir, network, url }: SimulatedTeeOptions): Tee {
  if (!allowsSimulatedTee(network, ...(url === undefined ? [] : [url]))) throw refused(network)
  const signerKey = keyIn(dir)
  const signer = addressOf(signerKey)
  const document = quoteDocument(signer)
  return { kind: 'simulated', signerKey, signer, quote: async () => document }
}

/** The key in the folder, made once: two brokers that start together end up with the same. */
function keyIn(dir: string): Uint8Array {
  const path = join(dir, KEY_FILE)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.${bytesToHex(randomBytes(4))}`
  writeFileSync(draft, bytesToHex(randomBytes(32)), { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  chmodSync(path, 0o600)
  const text = readFileSync(path, 'utf8').trim()
  if (!/^[0-9a-f]{64}$/.test(text)) throw keyInvalid(path)
  return hexToBytes(text)
}

/** Same signer, same bytes: receipts of before a restart name evidence that is still served. */
function quoteDocument(signer: Address): QuoteDocument {
  const appCompose = JSON.stringify({ manifest_version: 2, name: '0g-compute-simulated', runner: 'none' })
  const composeHash = createHash('sha256').update(appCompose).digest()
  const osImageHash = createHash('sha256').update('simulated os image').digest()
  const events = simulatedEvents(composeHash, osImageHash)
  const rtmrs = [0, 1, 2, 3].map((imr) => replayRtmr(events, imr)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const mrtd = createHash('sha384').update('simulated td').digest()
  const reportData = Buffer.alloc(64)
  reportData.write(signer, 'ascii')
  const mrConfigId = Buffer.alloc(48)
  mrConfigId.set([1, ...composeHash])
  const quote = tdxQuote({ mrtd, mrConfigId, rtmrs, reportData }, Buffer.from('simulated: not signed'))
  const body = JSON.stringify({
    quote: bytesToHex(quote),
    event_log: JSON.stringify(events),
    report_data: reportData.toString('base64'),
    tcb_info: JSON.stringify({
      mrtd: bytesToHex(mrtd),
      ...Object.fromEntries(rtmrs.map((rtmr, index) => [`rtmr${index}`, bytesToHex(rtmr)])),
      os_image_hash: bytesToHex(osImageHash),
      compose_hash: bytesToHex(composeHash),
      device_id: bytesToHex(createHash('sha256').update('simulated device').digest()),
      event_log: events,
      app_compose: appCompose,
    }),
    vm_config: JSON.stringify({
      spec_version: 1,
      os_image_hash: bytesToHex(osImageHash),
      cpu_count: 1,
      memory_size: 0,
      simulated: true,
    }),
  })
  return { body, digest: createHash('sha256').update(body).digest('hex') }
}

/** UEFI's event types for firmware and for separators, as a real log has them. */
const EV_SEPARATOR = 4
const EV_PLATFORM_CONFIG = 10

function simulatedEvents(composeHash: Uint8Array, osImageHash: Uint8Array): TdxEvent[] {
  const none = new Uint8Array()
  const appId = composeHash.subarray(0, 20)
  return [
    bootEvent(0, EV_PLATFORM_CONFIG, Buffer.from('simulated firmware')),
    bootEvent(1, EV_SEPARATOR, new Uint8Array(4)),
    bootEvent(2, EV_PLATFORM_CONFIG, Buffer.from('simulated kernel')),
    runtimeEvent('system-preparing', none),
    runtimeEvent('app-id', appId),
    runtimeEvent('compose-hash', composeHash),
    runtimeEvent('instance-id', appId),
    runtimeEvent('boot-mr-done', none),
    runtimeEvent('os-image-hash', osImageHash),
    runtimeEvent('key-provider', Buffer.from('{"name":"simulated","id":""}')),
    runtimeEvent('system-ready', none),
  ]
}

const refused = (network: NetworkProfile): AppError =>
  new AppError({
    code: 'tee_simulated_refused',
    message: `A simulated TEE counts on a devnet of this machine only, not on ${network.name}`,
    hint: 'Its key lies in a file: whoever reads the disk can sign in its name. Use dstack, or serve without a TEE',
    next: '0g-compute devnet up',
  })

const keyInvalid = (path: string): AppError =>
  new AppError({
    code: 'tee_key_invalid',
    message: `The devnet's signing key ${path} is damaged`,
    hint: 'Remove the devnet and make a new one; nothing of value hangs on its key',
    next: '0g-compute devnet down',
  })
