import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { freshFolder, openLedger } from '../../support/ledger.ts'
import { describeTampering } from '../../support/tampering.ts'

describeTampering(async () => {
  const folder = freshFolder()
  return {
    open: () => openLedger(folder),
    remove: async () => rmSync(folder, { recursive: true }),
    async change(sql) {
      const database = new DatabaseSync(join(folder, 'ledger.sqlite'))
      database.exec(sql)
      database.close()
    },
  }
})
