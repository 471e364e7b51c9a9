import { join } from 'node:path'
import { sqlite } from '../../src/base/nodeSqlite.ts'
import { fineTuningTables } from '../../src/provider/finetune/store/migration.ts'
import { openDatabase } from '../../src/provider/finetune/store/openDatabase.ts'
import { coldDatabase } from '../../src/provider/ledger/prepare.ts'

export type FineTuningDatabase = ReturnType<typeof openDatabase>

/** A new SQLite database with the tables of fine-tuning alone. @param dir where its file goes */
export function openFineTuningDatabase(dir: string): FineTuningDatabase {
  const path = join(dir, 'ledger.sqlite')
  const file = new sqlite.DatabaseSync(path)
  for (const step of fineTuningTables(coldDatabase as never, 'sqlite')) file.exec(step.compile().sql)
  file.close()
  return openDatabase(`sqlite:${path}`)
}
