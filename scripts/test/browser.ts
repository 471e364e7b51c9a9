import { findChromium } from '../../test/support/chromium.ts'
import { installExtra } from '../extras.ts'
import { type Part, skipped } from './part.ts'
import { vitest } from './vitest.ts'

/** The SDK and the verification in a real browser. */
export const browser = (): Part => ({
  name: 'in a browser (vitest, Chromium)',
  async run() {
    if (!findChromium()) return skipped('in a browser: there is no Chromium; ZG_CHROMIUM names one')
    const problem = await installExtra('browser')
    return problem
      ? skipped(`in a browser: ${problem}`)
      : vitest(['--config', 'test/browser/vitest.config.ts']).run()
  },
})
