import { expect, it } from 'vitest'
import type { Task } from '../../../../src/provider/finetune/task.ts'
import { removeDataset } from '../../../../src/provider/finetune/worker/removeDataset.ts'
import type { Workshop } from '../../../../src/provider/finetune/workshop.ts'

const ALICE = `0x${'aA'.repeat(20)}` as const
const BOB = `0x${'bb'.repeat(20)}` as const

const task = (id: string, change: Partial<Task> = {}, root = '0x1') =>
  ({ id, user: ALICE, state: 'Training', request: { datasetHash: root }, ...change }) as Task

/** Roots that are gone after the first of these tasks needs its dataset no more. */
async function removedOf(...open: readonly Task[]): Promise<string[]> {
  const removed: string[] = []
  const shop = {
    node: 'node',
    store: { open: async () => open },
    datasets: { remove: async (_user: string, root: string) => void removed.push(root) },
  } as unknown as Workshop
  await removeDataset(shop, open[0]!)
  return removed
}

it('destroys a dataset only when no other task of its user is still to be trained on it', async () => {
  expect(await removedOf(task('1'))).toEqual(['0x1'])
  expect(await removedOf(task('1', { state: 'Failed' }), task('2', { state: 'SetUp' }))).toEqual([])
  const lowerCase = ALICE.toLowerCase() as typeof ALICE
  expect(await removedOf(task('1'), task('2', { user: lowerCase }))).toEqual([])
  expect(
    await removedOf(task('1'), task('2', { state: 'Delivered' }), task('3', { state: 'Failed' })),
  ).toEqual(['0x1'])
  expect(await removedOf(task('1'), task('2', { user: BOB }), task('3', {}, '0x2'))).toEqual(['0x1'])
})
