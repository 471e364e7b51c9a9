import { discovery } from '../../test/support/discovery.ts'
import type { Cost } from './measured.ts'

/** `node bench/scale/discover.ts N`: every service of a contract with N of them, as an earlier process left it on disk. */
const count = Number(process.argv[2])
const before = process.cpuUsage()
const { found, cachedMs, coldMs } = await discovery(count)
if (found !== count) throw new Error(`${found} of ${count} services were found`)
const { user, system } = process.cpuUsage(before)
const rssMb = process.memoryUsage.rss() / 1e6
const cost: Cost = { ms: cachedMs, coldMs, cpuS: (user + system) / 1e6, grownMb: 0, rssMb }
console.log(JSON.stringify(cost))
