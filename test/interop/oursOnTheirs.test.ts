import { cli } from './ours-on-theirs/cli.ts'
import { debts } from './ours-on-theirs/debts.ts'
import { library } from './ours-on-theirs/library.ts'
import { testSuites } from './support/testSuites.ts'

testSuites(cli, debts, library)
