import { createHash } from 'node:crypto'

/** Registers of a TDX report that mean something to a verifier; each 48 bytes but for `reportData` (64). */
export interface TdxReport {
  readonly mrtd: Uint8Array
  /** 48 bytes: 0x01, compose hash, zeros. */
  readonly mrConfigId: Uint8Array
  readonly rtmrs: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  readonly reportData: Uint8Array
}

/** Offsets in a TDX v4 quote, bytes from its start. @see client-wire.md section 1.8 */
const OFFSET = { body: 48, mrtd: 184, mrConfigId: 232, rtmrs: 376, reportData: 568, signatureLength: 632 }
const REGISTER_BYTES = 48
const VERSION = 4
/** ECDSA-256 with P-256. */
const ATTESTATION_KEY_TYPE = 2
const TEE_TYPE_TDX = 0x81

/** A quote of version 4 around a report: header, body, signature section. */
export function tdxQuote(report: TdxReport, signature: Uint8Array): Uint8Array {
  const quote = Buffer.alloc(OFFSET.signatureLength + 4 + signature.length)
  quote.writeUInt16LE(VERSION, 0)
  quote.writeUInt16LE(ATTESTATION_KEY_TYPE, 2)
  quote.writeUInt32LE(TEE_TYPE_TDX, 4)
  quote.set(report.mrtd, OFFSET.mrtd)
  quote.set(report.mrConfigId, OFFSET.mrConfigId)
  for (const [index, rtmr] of report.rtmrs.entries()) quote.set(rtmr, OFFSET.rtmrs + index * REGISTER_BYTES)
  quote.set(report.reportData, OFFSET.reportData)
  quote.writeUInt32LE(signature.length, OFFSET.signatureLength)
  quote.set(signature, OFFSET.signatureLength + 4)
  return quote
}

/** One measured event. `digest` and `event_payload` are hex. */
export interface TdxEvent {
  readonly imr: 0 | 1 | 2 | 3
  readonly event_type: number
  readonly digest: string
  readonly event: string
  readonly event_payload: string
}

/** dstack's type of its own events in RTMR 3. */
const RUNTIME_EVENT = 0x08000001

/** A runtime event as dstack measures it: sha384(LE32(type) ‖ ":" ‖ name ‖ ":" ‖ payload). */
export function runtimeEvent(event: string, payload: Uint8Array): TdxEvent {
  const type = Buffer.alloc(4)
  type.writeUInt32LE(RUNTIME_EVENT)
  const digest = createHash('sha384').update(type).update(`:${event}:`).update(payload).digest('hex')
  return {
    imr: 3,
    event_type: RUNTIME_EVENT,
    digest,
    event,
    event_payload: Buffer.from(payload).toString('hex'),
  }
}

/** A boot event whose digest is taken over its payload alone. */
export function bootEvent(imr: 0 | 1 | 2, type: number, payload: Uint8Array): TdxEvent {
  const digest = createHash('sha384').update(payload).digest('hex')
  return { imr, event_type: type, digest, event: '', event_payload: Buffer.from(payload).toString('hex') }
}

/** Replays the events of one register from zero. */
export function replayRtmr(events: readonly TdxEvent[], imr: number): Uint8Array {
  let register: Uint8Array = new Uint8Array(REGISTER_BYTES)
  for (const event of events) {
    if (event.imr !== imr) continue
    register = createHash('sha384').update(register).update(Buffer.from(event.digest, 'hex')).digest()
  }
  return register
}
