import { broker, proxy } from './openai/suites.ts'
import { testSuites } from './support/testSuites.ts'

testSuites(broker, proxy)
