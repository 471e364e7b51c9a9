/** What a step of a curve cost. */
export interface Cost {
  readonly ms: number
  /** Of this process, user and system. */
  readonly cpuS: number
  /** Discovery: without what an earlier process left. */
  readonly coldMs?: number
  /** By how much resident memory grew at most. */
  readonly grownMb: number
  /** The highest resident memory. */
  readonly rssMb: number
}

const SAMPLE_MS = 20

/** Runs a step and prints its cost as one line of JSON. */
export async function measured(step: () => Promise<unknown>): Promise<void> {
  const rss = () => process.memoryUsage.rss() / 1e6
  const before = rss()
  let highest = before
  const sampling = setInterval(() => {
    highest = Math.max(highest, rss())
  }, SAMPLE_MS)
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()]
  await step()
  const ms = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpu)
  clearInterval(sampling)
  highest = Math.max(highest, rss())
  const cost: Cost = { ms, cpuS: (user + system) / 1e6, grownMb: highest - before, rssMb: highest }
  console.log(JSON.stringify(cost))
}
