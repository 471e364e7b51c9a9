import type { Answer } from '../answer.ts'
import type { Piece } from '../answerReader.ts'
import type { RunningExchange } from '../exchange.ts'
import { ProviderFault } from './providerFault.ts'

const NOTHING: Piece = { bytes: new Uint8Array(0), text: '' }

/**
 * Reads until something was generated, and gives all pieces again. Until then nobody has seen anything, and another
 * provider can still be asked.
 */
export async function untilText(
  { answer }: RunningExchange,
  pieces: AsyncGenerator<Piece, Answer>,
): Promise<AsyncGenerator<Piece, Answer>> {
  const held: Piece[] = []
  try {
    for (;;) {
      const step = await pieces.next()
      if (step.done) return begun(again(held, pieces, step.value))
      held.push(step.value)
      if (answer.deliveredBytes > 0) return begun(again(held, pieces))
    }
  } catch (error) {
    throw ProviderFault.of(error)
  }
}

/** One that never began would end nothing when it is given up. */
async function begun<T, R>(pieces: AsyncGenerator<T, R>): Promise<AsyncGenerator<T, R>> {
  await pieces.next()
  return pieces
}

/** Its first piece is empty: it is taken before anybody else has it. */
async function* again(
  held: readonly Piece[],
  rest: AsyncGenerator<Piece, Answer>,
  answer?: Answer,
): AsyncGenerator<Piece, Answer> {
  try {
    yield NOTHING
    for (const piece of held) yield piece
    return answer ?? (yield* rest)
  } finally {
    await rest.return(undefined as never)
  }
}
