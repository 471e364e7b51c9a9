import type { SceneChanges } from '../support/scene.ts'

/** One attempt on a verifier: what differs from honest evidence, and the step that must notice. */
export interface Vector {
  readonly name: string
  /** The step that must fail; `malformed` for an error with exit 30; `-` where nothing may fail. */
  readonly step: string
  readonly changes: () => SceneChanges
}

export const vector = (step: string, name: string, changes: SceneChanges | (() => SceneChanges)): Vector => ({
  step,
  name,
  changes: typeof changes === 'function' ? changes : () => changes,
})

/** A copy with one byte changed. */
export function flipped(bytes: Uint8Array, at: number, mask = 1): Buffer {
  const copy = Buffer.from(bytes)
  copy[at]! ^= mask
  return copy
}
