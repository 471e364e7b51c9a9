import { removeDataset } from './removeDataset.ts'
import type { Step } from './steps.ts'
import { removeWorkFolder } from './workFolder.ts'

/** Puts the delivery on chain; from then on neither dataset nor plaintext is needed. */
export const deliver: Step = async (task, { shop }) => {
  const chain = shop.chainOf(task)
  const delivery = task.delivery!
  await chain.deliver(task, delivery, BigInt(task.fee!))
  const standing = await chain.standing(task)
  if (standing.at === 'nothing' || standing.at === 'opened') return { waitMs: shop.pollMs }
  await removeWorkFolder(shop, task)
  await removeDataset(shop, task)
  return { change: { state: 'Delivered', deliveredAtSeconds: standing.since } }
}
