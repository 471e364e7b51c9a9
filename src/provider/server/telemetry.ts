import type { Counts } from '../../protocol/pricing.ts'

export interface Answered {
  readonly model: string
  readonly stream: boolean
  readonly counts: Counts
  /** Until the engine's first byte. */
  readonly firstByteMs: number
  readonly ms: number
}

/** What the server reports of its work: figures and names, never contents. */
export interface Telemetry {
  /** A response has ended. `path` is a route's name, never what a caller wrote. */
  request(path: string, status: number, ms: number): void
  answered(answer: Answered): void
  /** A request was refused, by the error's code. */
  refused(code: string, status: number): void
}

export const NO_TELEMETRY: Telemetry = { request: () => {}, answered: () => {}, refused: () => {} }
