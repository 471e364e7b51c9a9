import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXTRAS, installExtra } from '../scripts/extras.ts'
import { rootOfFile } from '../src/storage/merkle/rootOf.ts'
import { deployedRoot, deployedStorage } from '../test/support/deployedStorage.ts'
import { patternBytes } from '../test/support/rootSizes.ts'
import { type Result, report } from './report.ts'

/** How fast a file's 0G root is computed, beside the network's own SDK, on one file, in turns. */
const OURS = 'ours'
const PEER = '@0gfoundation/0g-ts-sdk'
/** No power of two, as files are. */
const FILE_BYTES = 200_000_000
const ROUNDS = 5

const problem = await installExtra('storage')
const folder = mkdtempSync(join(tmpdir(), 'bench-root-'))
const path = join(folder, 'file')
writeFileSync(path, patternBytes(FILE_BYTES))
const speeds = new Map<string, number[]>((problem ? [OURS] : [OURS, PEER]).map((subject) => [subject, []]))
try {
  for (let round = -1; round < ROUNDS; round++) await runRound(round >= 0)
} finally {
  rmSync(folder, { recursive: true })
}

const results: Result[] = [...speeds].map(([subject, values]) => {
  const sorted = values.toSorted((a, b) => a - b)
  const median = sorted[Math.floor(ROUNDS / 2)]!
  return { id: 'root', subject, value: median, unit: 'MB/s', spread: [sorted[0]!, sorted.at(-1)!] }
})
const [ours, theirs] = results
if (problem) results.push({ id: 'root', subject: PEER, value: null, unit: 'MB/s', why: problem })
report({ bench: 'root', results, versions: { [PEER]: EXTRAS.storage[PEER] } }, [
  `a file of ${FILE_BYTES / 1e6} MB, ${ROUNDS} rounds in turns after one to warm up`,
  ...(theirs?.value ? [`${(ours!.value! / theirs.value).toFixed(1)} times ${PEER}`] : []),
])

/** Each subject once; all must find the same root. */
async function runRound(counts: boolean): Promise<void> {
  const roots = new Set<string | null>()
  for (const [subject, values] of speeds) {
    const startedAt = performance.now()
    roots.add(subject === OURS ? await rootOfFile(path) : await peerRoot())
    const seconds = (performance.now() - startedAt) / 1000
    if (counts) values.push(FILE_BYTES / 1e6 / seconds)
  }
  if (roots.size !== 1) throw new Error(`the roots differ: ${[...roots].join(', ')}`)
}

async function peerRoot(): Promise<string | null> {
  const file = await deployedStorage()!.ZgFile.fromFilePath(path)
  try {
    return await deployedRoot(file)
  } finally {
    await file.close()
  }
}
