import assert from 'node:assert/strict'
import { ONE_0G } from '../../../src/base/units.ts'
import { type Market, newUser, openMarket } from '../../integration/settlement/market.ts'
import { acknowledgeByOwner, revokeByOwner, topUp } from '../../support/deployed.ts'
import { type Rows, suiteOf } from '../support/suite.ts'

/** What the admission of a broker prevents can still come about: a payer who left meanwhile. */
const rows: Rows<Market> = {
  async partialSettlement(market) {
    const user = await newUser(market, 1)
    await market.charge(user, 3n * ONE_0G)
    await market.settler().settleNow()
    assert.equal((await market.account(user))?.balance, 0n)
    await topUp(market.world, user, market.provider, '4')
    await market.settler().settleNow()
    assert.equal((await market.account(user))?.balance, 2n * ONE_0G)
    return '1 of 3 0G at first, the other 2 when there was money again'
  },
  async manyPayers(market) {
    const users = await Promise.all([2, 3, 4].map((index) => newUser(market, index)))
    for (const user of users) await market.charge(user, ONE_0G / 2n)
    await market.settler().settleNow()
    for (const user of users) assert.equal((await market.account(user))?.balance, ONE_0G / 2n)
    return 'three payers in one transaction'
  },
  async revokedSigner(market) {
    const user = await newUser(market, 5)
    await market.charge(user, ONE_0G / 4n)
    await revokeByOwner(market.world, market.provider)
    await market.settler().settleNow()
    assert.equal((await market.account(user))?.balance, ONE_0G)
    await acknowledgeByOwner(market.world, market.provider)
    await market.settler().settleNow()
    assert.equal((await market.account(user))?.balance, (3n * ONE_0G) / 4n)
    return 'kept while the owner did not acknowledge the signer, paid afterwards'
  },
}

export const debts = suiteOf('ours-on-theirs', 'settlement', () => openMarket('theirs'), rows)
