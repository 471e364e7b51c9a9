import { suiteOf } from '../support/suite.ts'
import { BROKER, COMMON, PROXY } from './rows.ts'
import { openBrokers, openProxy } from './scene.ts'

/** The official JavaScript client. Python's is asked by `npm run test:all`. */
export const broker = suiteOf('openai', 'broker', openBrokers, { ...COMMON, ...BROKER })
export const proxy = suiteOf('openai', 'proxy', openProxy, { ...COMMON, ...PROXY })
