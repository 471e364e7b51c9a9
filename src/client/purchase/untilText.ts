import type { Answer } from '../answer.ts'
import type { Piece } from '../answerReader.ts'
import type { RunningExchange } from '../exchange.ts'
import { ProviderFault } from './providerFault.ts'

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
      if (step.done) return again(held, pieces, step.value)
      held.push(step.value)
      if (answer.deliveredBytes > 0) return again(held, pieces)
    }
  } catch (error) {
    throw ProviderFault.of(error)
  }
}

async function* again(
  held: readonly Piece[],
  rest: AsyncGenerator<Piece, Answer>,
  answer?: Answer,
): AsyncGenerator<Piece, Answer> {
  try {
    for (const piece of held) yield piece
    return answer ?? (yield* rest)
  } finally {
    await rest.return(undefined as never)
  }
}
