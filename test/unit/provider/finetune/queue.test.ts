import { describe, expect, it } from 'vitest'
import { jobEnvironment } from '../../../../src/provider/finetune/trainer/jobEnvironment.ts'
import { nextInLine, Slots } from '../../../../src/provider/finetune/trainer/queue.ts'
import { slotsOf } from '../../../../src/provider/finetune/trainer/slotsOf.ts'

const task = (id: string, user: string) => ({ id, user })

describe('who is next', () => {
  it('is the first that came, among users who were never served', () => {
    expect(nextInLine([task('1', 'a'), task('2', 'b')], [], new Map())?.id).toBe('1')
    expect(nextInLine([], [], new Map())).toBeNull()
  })

  it('is a user without a running job before one who has one, however many that one sent', () => {
    const waiting = [task('1', 'a'), task('2', 'a'), task('3', 'b')]
    expect(nextInLine(waiting, [task('0', 'a')], new Map())?.id).toBe('3')
  })

  it('is who was served longest ago, among users with equally many running jobs', () => {
    const servedAt = new Map([
      ['a', 2000],
      ['b', 1000],
    ])
    expect(nextInLine([task('1', 'a'), task('2', 'b')], [], servedAt)?.id).toBe('2')
  })
})

describe('slots', () => {
  it('go to one task each, come back, and never to a task that left the line', async () => {
    let now = 0
    const slots = new Slots([[0], [1]], () => ++now)
    const never = new AbortController().signal
    const first = await slots.take(task('1', 'a'), never)
    const second = await slots.take(task('2', 'a'), never)
    expect([first.gpus, second.gpus, slots.running]).toEqual([[0], [1], 2])
    const leaving = new AbortController()
    const left = slots.take(task('3', 'b'), leaving.signal)
    const third = slots.take(task('4', 'a'), never)
    const fourth = slots.take(task('5', 'b'), never)
    leaving.abort(new Error('left'))
    await expect(left).rejects.toThrow('left')
    first.release()
    // b has no running job, a has one: b is before, though it came later.
    expect((await fourth).gpus).toEqual([0])
    second.release()
    expect((await third).gpus).toEqual([1])
    expect(slots.running).toBe(2)
  })
})

describe('the slots of a machine', () => {
  it('are its GPUs, or groups of them, which several may share', () => {
    expect(slotsOf(0, {})).toEqual([[]])
    expect(slotsOf(0, { slots: 2, gpusPerJob: 4 })).toEqual([[], []])
    expect(slotsOf(2, {})).toEqual([[0], [1]])
    expect(slotsOf(1, { slots: 2 })).toEqual([[0], [0]])
    expect(slotsOf(8, { gpusPerJob: 4 })).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ])
    expect(slotsOf(5, { gpusPerJob: 2, slots: 3 })).toEqual([
      [0, 1],
      [2, 3],
      [0, 1],
    ])
    expect(() => slotsOf(2, { gpusPerJob: 4 })).toThrow(expect.objectContaining({ code: 'gpus_too_few' }))
  })

  it('are all that a job sees', () => {
    const seen = (gpus: readonly number[]) =>
      jobEnvironment({}, '/job', '/trainer', gpus).CUDA_VISIBLE_DEVICES
    expect([seen([]), seen([3]), seen([0, 1])]).toEqual(['', '3', '0,1'])
  })
})
