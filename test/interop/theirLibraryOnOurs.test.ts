import { testSuites } from './support/testSuites.ts'
import { library } from './theirs-on-ours/library.ts'

testSuites(library)
