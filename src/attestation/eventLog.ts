import { bytesToHex } from '../base/hex.ts'
import { isZero, sameBytes, sha384, strictHex } from './bytes.ts'
import { malformedEvidence } from './malformed.ts'

/** One measured event; `imr` is the register that it extended. */
export interface MeasuredEvent {
  readonly imr: 0 | 1 | 2 | 3
  readonly type: number
  /** 48 bytes; empty in logs of dstack that leave its own events to be computed. */
  readonly digest: Uint8Array
  readonly name: string
  readonly payload: Uint8Array
}

export const REGISTERS = [0, 1, 2, 3] as const
const MAX_EVENTS = 4096
/** dstack's own events, measured as sha384(LE32(type) ‖ ":" ‖ name ‖ ":" ‖ payload). */
const RUNTIME_EVENT = 0x08000001
/** The last event of dstack's own start; what follows was measured by the app. */
const BOOT_END = 'system-ready'

/** Reads a log in dstack's JSON. @throws AppError `evidence_malformed` */
export function readEventLog(value: unknown): MeasuredEvent[] {
  if (!Array.isArray(value) || value.length > MAX_EVENTS)
    throw malformedEvidence('the event log is no list of events')
  return value.map(readEvent)
}

function readEvent(value: unknown): MeasuredEvent {
  if (typeof value !== 'object' || value === null) throw malformedEvidence('an event is no object')
  const {
    imr,
    event_type: type,
    digest,
    event: name,
    event_payload: payload,
  } = value as Record<string, unknown>
  if (imr !== 0 && imr !== 1 && imr !== 2 && imr !== 3) throw malformedEvidence('an event names no register')
  if (!Number.isInteger(type) || (type as number) < 0 || (type as number) > 0xffffffff) {
    throw malformedEvidence('an event has no type')
  }
  if (typeof name !== 'string') throw malformedEvidence('an event has no name')
  const digestBytes = strictHex(digest, 'the digest of an event')
  if (digestBytes.length !== 48 && !(digestBytes.length === 0 && type === RUNTIME_EVENT)) {
    throw malformedEvidence('the digest of an event has not 48 bytes')
  }
  return {
    imr,
    type: type as number,
    digest: digestBytes,
    name,
    payload: strictHex(payload, 'the payload of an event'),
  }
}

export interface Replay {
  readonly registers: readonly Uint8Array[]
  /** Name of a runtime event whose digest is not that of its content; null when there is none. */
  readonly forged: string | null
  /** Events of register 3 that are not dstack's own: what they stand for is not measured. */
  readonly foreign: number
}

/** Extends the four registers from zero by every event, in order. */
export async function replayEvents(events: readonly MeasuredEvent[]): Promise<Replay> {
  const registers: Uint8Array[] = REGISTERS.map(() => new Uint8Array(48))
  let forged: string | null = null
  const foreign = events.filter((event) => event.imr === 3 && !isRuntime(event)).length
  for (const event of events) {
    const digest = isRuntime(event) ? await runtimeDigest(event) : event.digest
    if (event.digest.length > 0 && !sameBytes(event.digest, digest)) forged ??= event.name
    registers[event.imr] = await sha384(registers[event.imr]!, digest)
  }
  return { registers, forged, foreign }
}

/** Only register 3 is extended by dstack itself; a payload is measured nowhere else. */
const isRuntime = ({ imr, type }: MeasuredEvent): boolean => imr === 3 && type === RUNTIME_EVENT

function runtimeDigest({ type, name, payload }: MeasuredEvent): Promise<Uint8Array> {
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, type, true)
  return sha384(head, new TextEncoder().encode(`:${name}:`), payload)
}

/** Payloads of dstack's own start under a name, as hex digits: what the app measured later does not count. */
export function bootPayloads(events: readonly MeasuredEvent[], name: string): string[] {
  return bootEvents(events)
    .filter((event) => event.name === name)
    .map(({ payload }) => bytesToHex(payload))
}

/** Names of events by which a controller says that it changed the app after the start. */
export function changesAfterBoot(events: readonly MeasuredEvent[]): string[] {
  const boot = new Set(bootEvents(events))
  return events
    .filter((event) => isRuntime(event) && !boot.has(event) && event.name.startsWith('zg-'))
    .map(({ name }) => name)
}

function bootEvents(events: readonly MeasuredEvent[]): MeasuredEvent[] {
  const own = events.filter(isRuntime)
  const end = own.findIndex(({ name }) => name === BOOT_END)
  return end < 0 ? own : own.slice(0, end + 1)
}

const SHA384_ID = 0x0c
const EV_NO_ACTION = 3

/**
 * Reads the binary log of a confidential VM (CCEL), where register 1 of the log is RTMR0.
 * @see https://uefi.org/specs/UEFI/2.10/38_Confidential_Computing.html
 */
export function readBinaryEventLog(bytes: Uint8Array): MeasuredEvent[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const events: MeasuredEvent[] = []
  try {
    // The first record is of the older form: register, type, 20 bytes, size, data.
    let at = 32 + view.getUint32(28, true)
    while (
      at + 8 <= bytes.length &&
      view.getUint32(at, true) !== 0xffffffff &&
      !isZero(bytes.subarray(at, at + 8))
    ) {
      const { event, next } = readRecord(view, bytes, at)
      if (event) events.push(event)
      if (events.length > MAX_EVENTS) throw malformedEvidence('the event log is too long')
      at = next
    }
  } catch (error) {
    throw malformedEvidence('the binary event log is cut short', error)
  }
  return events
}

function readRecord(
  view: DataView,
  bytes: Uint8Array,
  start: number,
): { event: MeasuredEvent | null; next: number } {
  const register = view.getUint32(start, true)
  const type = view.getUint32(start + 4, true)
  const count = view.getUint32(start + 8, true)
  let at = start + 12
  let digest: Uint8Array | null = null
  if (count > 8) throw malformedEvidence('an event has too many digests')
  for (let i = 0; i < count; i++) {
    const algorithm = view.getUint16(at, true)
    const size = DIGEST_BYTES[algorithm]
    if (size === undefined) throw malformedEvidence('an event has a digest of an unknown kind')
    if (algorithm === SHA384_ID) digest = bytes.subarray(at + 2, at + 2 + size)
    at += 2 + size
  }
  const size = view.getUint32(at, true)
  const next = at + 4 + size
  if (next > bytes.length) throw malformedEvidence('the binary event log is cut short')
  const payload = bytes.subarray(at + 4, next)
  if (type === EV_NO_ACTION || register === 0) return { event: null, next }
  if (register > 4 || digest?.length !== 48) throw malformedEvidence('an event extends no register')
  return { event: { imr: (register - 1) as MeasuredEvent['imr'], type, digest, name: '', payload }, next }
}

/** Lengths by TPM algorithm id: SHA-1, SHA-256, SHA-384, SHA-512, SM3. */
const DIGEST_BYTES: Readonly<Record<number, number>> = { 4: 20, 11: 32, 12: 48, 13: 64, 18: 32 }
