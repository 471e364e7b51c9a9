import { counted } from '../../base/counted.ts'
import type { Curve } from '../../client/finetune/curve.ts'

/** A model that knows a handful of examples has a loss far below this. */
const KNOWN = 0.5
/** Trainings of more steps are of more examples: those a model need not know by heart. */
const FEW_STEPS = 300

/** What a training came to, in sentences; none where its figures are not known. */
export function learned({ steps, lossFirst, lossAtEnd, heldOutFirst, heldOutLast }: Curve): string[] {
  if (lossFirst === null || lossAtEnd === null || steps === null) return []
  const isLittle = steps <= FEW_STEPS && lossAtEnd > KNOWN
  return [
    `Loss ${lossFirst.toFixed(3)} → ${lossAtEnd.toFixed(3)} in ${counted(steps, 'step')}: the right next token is ${percent(lossAtEnd)} likely, was ${percent(lossFirst)}.`,
    ...(heldOutFirst !== null && heldOutLast !== null
      ? [
          `On examples held out: loss ${heldOutFirst.toFixed(3)} after the first pass, ${heldOutLast.toFixed(3)} at the end.`,
        ]
      : []),
    ...(isLittle
      ? ['It hardly knows its examples: more passes (--epochs), or a higher --learning-rate, teach more.']
      : []),
  ]
}

/** The probability that a loss stands for, as the geometric mean over tokens. */
const percent = (loss: number): string => `${Math.round(Math.exp(-loss) * 100)} %`
