import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { follow } from '../../../../src/provider/finetune/worker/train.ts'

/** A run that goes on until it is stopped. */
function endlessRun() {
  const events = new PassThrough({ objectMode: true })
  const { promise: exited, resolve } = Promise.withResolvers<{ code: null; signal: 'SIGTERM' }>()
  return {
    events,
    exited,
    async stop() {
      events.end()
      resolve({ code: null, signal: 'SIGTERM' })
    },
  }
}

const followUntil = (signal: AbortSignal) =>
  follow(endlessRun(), { id: 'a task' }, { shop: { store: { addEvent: async () => {} } }, signal }, 60)

it('ends a run that is not wanted any more, also one that was not before it began', async () => {
  const later = new AbortController()
  const following = followUntil(later.signal)
  later.abort()
  expect(await following).toMatchObject({ kind: 'interrupted' })
  expect(await followUntil(AbortSignal.abort())).toMatchObject({ kind: 'interrupted' })
})
