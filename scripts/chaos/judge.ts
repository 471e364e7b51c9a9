import type { HDNodeWallet } from 'ethers'
import type { Address } from '../../src/base/hex.ts'
import { hasBatches, readSettled } from '../../src/chain/batches.ts'
import { findAccount } from '../../src/chain/inference.ts'
import { type ReceiptDetail, receiptFromJson, type SignedReceipt } from '../../src/protocol/receipt.ts'
import { tokenOf, type World } from '../../test/support/world.ts'

/** What one buyer holds in its hands. */
export interface Bought {
  readonly wallet: HDNodeWallet
  /** Receipts of answers whose proof it accepted. */
  readonly accepted: readonly SignedReceipt[]
}

export interface Judgement {
  /** Between receipts and chain, over all users, neuron. */
  readonly difference: bigint
  readonly unpaid: number
  readonly paidTwice: number
  readonly lostReceipts: number
  /** Pairs of receipts that contradict each other. */
  readonly conflicts: number
  readonly receipts: number
}

/** Sets what the buyers hold, what the broker has written down, and what the chain took against each other. */
export async function judge(
  world: World,
  brokerUrl: string,
  bought: readonly Bought[],
  locked: bigint,
): Promise<Judgement> {
  const total = { difference: 0n, unpaid: 0, paidTwice: 0, lostReceipts: 0, conflicts: 0, receipts: 0 }
  const all: SignedReceipt[] = []
  for (const { wallet, accepted } of bought) {
    const user = wallet.address as Address
    const written = await receiptsOf(world, brokerUrl, wallet)
    const account = await findAccount(world.inference, user, world.provider.address as Address)
    const paid = locked - (account?.balance ?? 0n)
    const charged = written.reduce((sum, { receipt }) => sum + receipt.fee, 0n)
    const ids = new Set(written.map(idOf))
    total.difference += charged > paid ? charged - paid : paid - charged
    total.unpaid += accepted.filter(({ receipt }) => receipt.cumulative > paid).length
    total.paidTwice += written.length - ids.size + (paid > charged ? 1 : 0)
    total.lostReceipts += accepted.filter((held) => !written.some((one) => isSame(one, held))).length
    total.conflicts += conflictsIn(written) + (await provable(world, user, [...written, ...accepted]))
    all.push(...written, ...accepted)
  }
  return { ...total, conflicts: total.conflicts + doubledNumbers(all), receipts: new Set(all.map(idOf)).size }
}

async function receiptsOf(world: World, brokerUrl: string, wallet: HDNodeWallet): Promise<SignedReceipt[]> {
  const authorization = `Bearer ${await tokenOf(wallet, world.provider.address)}`
  const receipts: SignedReceipt[] = []
  for (let after: number | null = 0; after !== null; ) {
    const url = `${brokerUrl}/v1/user/${wallet.address}/receipts?after=${after}`
    const response = await fetch(url, { headers: { authorization } })
    const page = (await response.json()) as { receipts: unknown[]; next: number | null }
    receipts.push(...page.receipts.map(receiptFromJson))
    after = page.next
  }
  return receipts
}

/** Receipts that the contract would take for a proof against what a batch settled. @see Stakes.disputeSettlement */
async function provable(world: World, user: Address, receipts: readonly SignedReceipt[]): Promise<number> {
  if (!(await hasBatches(world.inference))) return 0
  const { settled, upTo } = await readSettled(world.inference, user, world.provider.address as Address)
  return receipts.filter(({ receipt }) => receipt.seq > upTo && receipt.cumulative < settled).length
}

/** A total that is not the one before plus the fee. */
function conflictsIn(receipts: readonly SignedReceipt[]): number {
  let cumulative = 0n
  let conflicts = 0
  for (const { receipt } of receipts) {
    if (receipt.cumulative !== cumulative + receipt.fee) conflicts++
    cumulative = receipt.cumulative
  }
  return conflicts
}

/** One number on two receipts. */
function doubledNumbers(receipts: readonly SignedReceipt[]): number {
  const bySeq = new Map<number, string>()
  let doubled = 0
  for (const { receipt, signature } of receipts) {
    const known = bySeq.get(receipt.seq)
    if (known !== undefined && known !== signature) doubled++
    bySeq.set(receipt.seq, signature)
  }
  return doubled
}

const isSame = (one: SignedReceipt, other: SignedReceipt): boolean =>
  one.signature === other.signature && one.detail === other.detail

const idOf = ({ detail }: SignedReceipt): string => (JSON.parse(detail) as ReceiptDetail).id
