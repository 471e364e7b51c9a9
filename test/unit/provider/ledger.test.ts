import { sqliteHome } from '../../support/ledger.ts'
import { describeCharges } from '../../support/ledgerCharges.ts'

describeCharges(sqliteHome)
