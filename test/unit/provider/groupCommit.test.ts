import { rmSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { recoverReceipt, type SignedReceipt } from '../../../src/protocol/receipt.ts'
import { deliveredOf, exchangeOf, freshFolder, openLedger, TEST_SIGNER } from '../../support/ledger.ts'

const ALICE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
/** More than one run of those that a quick disk has written in place. */
const ALONE = 160
const TOGETHER = 24

const folder = freshFolder()
afterAll(() => rmSync(folder, { recursive: true }))

it('signs and keeps every receipt, whether it was charged alone or beside others', async () => {
  const ledger = await openLedger(folder)
  const charge = () => ledger.charge({ ...exchangeOf(ALICE), isNew: true }, deliveredOf(3), 'complete')
  const signed: SignedReceipt[] = []
  const together = async () => signed.push(...(await Promise.all(Array.from({ length: TOGETHER }, charge))))
  await together()
  for (let i = 0; i < ALONE; i++) signed.push(await charge())
  await together()
  await ledger.close()

  expect(signed.map(({ receipt }) => receipt.seq)).toEqual(signed.map((_, index) => index + 1))
  expect(new Set(signed.map(recoverReceipt).map(String))).toEqual(new Set([TEST_SIGNER.toLowerCase()]))
  const reopened = await openLedger(folder)
  expect(await reopened.receipts(ALICE, 0, 1000)).toEqual(signed)
  expect(reopened.totals(ALICE).charged).toBe(signed.at(-1)!.receipt.cumulative)
  await reopened.close()
})
