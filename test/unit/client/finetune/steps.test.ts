import { describe, expect, it } from 'vitest'
import { learned } from '../../../../src/cli/finetune/learned.ts'
import { curveOf } from '../../../../src/client/finetune/curve.ts'
import { enoughEpochs, learningRateOf, stepsOf, withRateFor } from '../../../../src/client/finetune/steps.ts'
import type { TaskEvent } from '../../../../src/protocol/finetune/task.ts'

describe('the steps of a training', () => {
  it.each([
    [6, {}, 6],
    [6, { num_train_epochs: 25 }, 150],
    [7, { num_train_epochs: 3, per_device_train_batch_size: 2 }, 12],
    [40, { num_train_epochs: 25, per_device_train_batch_size: 8 }, 125],
    [10, { num_train_epochs: 30, eval_share: 0.2 }, 240],
    [1000, { max_steps: 20 }, 20],
  ])('of %i examples with %o are %i', (examples, parameters, steps) => {
    expect(stepsOf(examples, parameters)).toBe(steps)
  })

  it('are enough with so many passes, where passes are what bounds them', () => {
    expect(enoughEpochs(6, {})).toBe(25)
    expect(stepsOf(6, { num_train_epochs: 25 })).toBe(150)
    expect(enoughEpochs(6, { max_steps: 10 })).toBeNull()
    expect(enoughEpochs(1, { per_device_train_batch_size: 4 })).toBe(150)
  })

  it('have a higher rate where they are few and nobody names one', () => {
    const few = { num_train_epochs: 25 }
    expect(learningRateOf(withRateFor(6, few, 'lora'))).toBe(0.0005)
    expect(learningRateOf(withRateFor(1000, few, 'lora'))).toBe(0.0002)
    expect(withRateFor(6, few, 'full')).toBe(few)
    expect(withRateFor(6, { ...few, learning_rate: 0.001 }, 'lora').learning_rate).toBe(0.001)
  })
})

describe('what a training came to', () => {
  const events = (losses: readonly number[], evalLosses: Readonly<Record<number, number>> = {}) =>
    losses.map((loss, i) => ({
      ...{ seq: i + 1, event: 'step', step: i + 1, steps: losses.length, loss },
      ...(evalLosses[i + 1] !== undefined && { evalLoss: evalLosses[i + 1] }),
    })) as unknown as TaskEvent[]

  it('is said as a likelihood, by its last tenth, and that it is little', () => {
    const losses = [4.4, ...new Array<number>(17).fill(1), 1.5, 1.7]
    const sentences = learned(curveOf(events(losses)))
    expect(sentences[0]).toBe('Loss 4.400 → 1.600 in 20 steps: the right next token is 20 % likely, was 1 %.')
    expect(sentences[1]).toMatch(/hardly knows its examples: more passes/)
    expect(learned(curveOf(events([4.4, 0.1, 0.02])))).toHaveLength(1)
  })

  it('is said of examples held out, where there were some', () => {
    const curve = curveOf(events([4, 2, 0.4, 0.1], { 2: 3.1, 4: 2.9 }))
    expect(learned(curve)[1]).toBe('On examples held out: loss 3.100 after the first pass, 2.900 at the end.')
    expect(learned(curveOf([]))).toEqual([])
  })
})
