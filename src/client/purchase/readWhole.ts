import type { Answer } from '../answer.ts'
import type { Piece } from '../answerReader.ts'

/** A whole body, and the answer with its verdict. */
export interface WholeAnswer {
  readonly body: Uint8Array
  readonly answer: Answer
}

/** Reads the pieces of a purchase to their end. */
export async function readWhole(pieces: AsyncGenerator<Piece, Answer>): Promise<WholeAnswer> {
  const chunks: Uint8Array[] = []
  for (let step = await pieces.next(); ; step = await pieces.next()) {
    if (step.done) return { body: joined(chunks), answer: step.value }
    chunks.push(step.value.bytes)
  }
}

/** Bytes in one piece. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
