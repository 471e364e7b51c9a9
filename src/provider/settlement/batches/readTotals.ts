import type { Contract } from 'ethers'
import type { Address } from '../../../base/hex.ts'
import { readSettled } from '../../../chain/batches.ts'

/** Accounts that are read at the same time. */
const READS_AT_ONCE = 50

/** Does something for each, some at a time, in order. */
export async function inPages<From, To>(
  items: readonly From[],
  work: (item: From) => Promise<To>,
): Promise<To[]> {
  const done: To[] = []
  for (let start = 0; start < items.length; start += READS_AT_ONCE) {
    done.push(...(await Promise.all(items.slice(start, start + READS_AT_ONCE).map(work))))
  }
  return done
}

/** What batches took of users in all as of a block, neuron. */
export async function readTotals(
  contract: Contract,
  provider: Address,
  users: readonly Address[],
  block: number,
): Promise<Map<Address, bigint>> {
  const totals = await inPages(
    users,
    async (user) => (await readSettled(contract, user, provider, block)).settled,
  )
  return new Map(users.map((user, index) => [user, totals[index]!]))
}
