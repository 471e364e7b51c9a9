import { createHash } from 'node:crypto'

/** One measured event. `digest` and `event_payload` are hex. */
export interface TdxEvent {
  readonly imr: 0 | 1 | 2 | 3
  readonly event_type: number
  readonly digest: string
  readonly event: string
  readonly event_payload: string
}

const REGISTER_BYTES = 48
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
