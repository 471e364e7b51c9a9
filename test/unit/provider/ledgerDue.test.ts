import { expect, it } from 'vitest'
import { deliveredOf, exchangeOf, sqliteHome } from '../../support/ledger.ts'
import { describeDebts } from '../../support/ledgerDebts.ts'

const ALICE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'

describeDebts(sqliteHome)

it('what the chain took is adopted beside a charge on its way to the disk, which stays for the next time', async () => {
  const home = await sqliteHome()
  const ledger = await home.open()
  const charge = () => ledger.charge(exchangeOf(ALICE), deliveredOf(5), 'complete')
  await charge()
  const [onItsWay, adopted] = [charge(), ledger.settlements.adopt(ALICE, { paid: 1n, nonce: 3n })]
  expect(await ledger.settlements.due(1n)).toMatchObject([{ amount: 34n, throughSeq: 1 }])
  await Promise.all([onItsWay, adopted])
  expect(await ledger.settlements.due(1n)).toMatchObject([{ amount: 69n, throughSeq: 2 }])
  await ledger.close()
  await home.remove()
})
