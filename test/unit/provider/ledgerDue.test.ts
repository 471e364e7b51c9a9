import { sqliteHome } from '../../support/ledger.ts'
import { describeDebts } from '../../support/ledgerDebts.ts'

describeDebts(sqliteHome)
