import { testSuites } from './support/testSuites.ts'
import { cli } from './theirs-on-ours/cli.ts'

testSuites(cli)
