import { describe, expect, it } from 'vitest'
import { outcomeOf } from '../../../../src/provider/finetune/trainer/outcome.ts'
import { parseEvent, type TrainerEvent } from '../../../../src/provider/finetune/trainer/trainer.ts'

const events = (...lines: TrainerEvent[]) => new Map(lines.map((line) => [line.event, line]))
const done = { event: 'done', lossFirst: 2, lossLast: 0.5 }

describe('what a run came to', () => {
  it('is done only when code, last line and figures say so', () => {
    expect(outcomeOf(events(done), { code: 0, signal: null })).toEqual({ kind: 'done' })
    expect(outcomeOf(events(), { code: 0, signal: null })).toMatchObject({
      kind: 'failed',
      failure: { code: 'result_missing' },
    })
    for (const lossLast of [Number.NaN, 'x', undefined])
      expect(outcomeOf(events({ ...done, lossLast }), { code: 0, signal: null })).toMatchObject({
        failure: { code: 'loss_not_finite' },
      })
    expect(outcomeOf(events(done), { code: 1, signal: null }).kind).toBe('failed')
  })

  it('is done where it was done before, as after a broker that ended meanwhile', () => {
    const again = { event: 'done', again: true, artifact: 'artifact' }
    expect(outcomeOf(events(again), { code: 0, signal: null })).toEqual({ kind: 'done' })
    expect(outcomeOf(events(again), { code: 4, signal: null }).kind).toBe('failed')
  })

  it.each([
    [2, 'job_refused'],
    [3, 'out_of_memory'],
    [4, 'loss_not_finite'],
    [5, 'train_time_exceeded'],
    [1, 'trainer_failed'],
  ])('names the reason of exit code %i: %s', (code, expected) => {
    const said = events({ event: 'failed', reason: 'because' })
    expect(outcomeOf(said, { code, signal: null })).toEqual({
      kind: 'failed',
      failure: { code: expected, reason: 'because' },
    })
  })

  it('goes on after whatever ended the process from outside', () => {
    for (const exit of [
      { code: null, signal: 'SIGKILL' },
      { code: 137, signal: null },
      { code: 75, signal: null },
    ])
      expect(outcomeOf(events(), exit).kind).toBe('interrupted')
  })
})

describe('a line of the trainer', () => {
  it('is an event, or nothing', () => {
    expect(parseEvent('{"event":"step","step":1}')).toEqual({ event: 'step', step: 1 })
    for (const line of ['', 'warning', '{"event":7}', '{"event":"BAD EVENT"}', '{', '[]'])
      expect(parseEvent(line)).toBeNull()
  })
})
