import { larger } from '../../base/bigint.ts'
import type { Address, Hex } from '../../base/hex.ts'
import { adoptSettled, rebook, settleTo, type UserAccount } from './account.ts'
import type { Batches, BatchPayer, Owing, SettledTotals, StoredBatch } from './batches.ts'
import type { BlockRef } from './settlements.ts'

/** What the chain's word makes of a payer's account. */
export type BatchStep = (account: UserAccount, total: bigint, payer: BatchPayer) => UserAccount

/** What each step of settlement by totals changes; how it gets to the disk is the database's part. */
export abstract class BatchBook implements Batches {
  abstract open(users: readonly Address[]): Promise<StoredBatch>
  abstract unfinished(): Promise<StoredBatch[]>
  /** Sound accounts that may owe something. */
  protected abstract debtors(): Promise<readonly UserAccount[]>
  protected abstract change(user: Address, step: (account: UserAccount) => UserAccount): Promise<void>
  /** Changes an unfinished batch, and the sound ones of its payers of whom a total is given. */
  protected abstract settle(
    number: number,
    settled: SettledTotals,
    change: Partial<StoredBatch>,
    step: BatchStep,
  ): Promise<void>
  /** Changes an unfinished batch. */
  protected abstract move(number: number, change: Partial<StoredBatch>): Promise<void>

  async owing(minimum: bigint): Promise<Owing[]> {
    return (await this.debtors()).flatMap(({ user, charged, paid, settled, open }) => {
      const amount = charged - paid
      return open === 0 && amount > 0n && amount >= minimum ? [{ user, amount, settled }] : []
    })
  }

  book(
    number: number,
    settled: SettledTotals,
    { txHash, block }: { txHash: Hex | null; block: BlockRef },
  ): Promise<void> {
    return this.settle(number, settled, { state: 'done', txHash, block }, (account, total, payer) =>
      settleTo(account, total, payer, number),
    )
  }

  rebook = (number: number, settled: SettledTotals, block: BlockRef): Promise<void> =>
    this.settle(number, settled, { block }, rebook)

  markSent = (number: number, txHash: Hex): Promise<void> => this.move(number, { txHash })
  markFinal = (number: number): Promise<void> => this.move(number, { state: 'final' })
  markVoid = (number: number): Promise<void> => this.move(number, { state: 'void' })

  adopt = (user: Address, settled: bigint): Promise<void> =>
    this.change(user, (account) => adoptSettled(account, settled))

  raise = (user: Address, charged: bigint): Promise<void> =>
    this.change(user, (account) => ({ ...account, charged: larger(account.charged, charged) }))
}
