import { open, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Hex } from '../../base/hex.ts'
import { filePieces } from '../filePieces.ts'
import type { RootWork } from './rootWorker.ts'
import { HASH_BYTES, SEGMENT_BYTES, SegmentHasher } from './segments.ts'
import { rootOfSegments, ZgRoot } from './zgRoot.ts'

/** Files shorter than this take less time than threads take to start. */
const WORTH_THREADS = 32 * 1024 * 1024
/** Each takes about 10 MB of memory. */
const MAX_THREADS = 4

/** The 0G root of a stream, in constant memory. @throws AppError `file_empty` */
export async function rootOf(source: AsyncIterable<Uint8Array>): Promise<Hex> {
  const root = new ZgRoot()
  for await (const bytes of source) root.update(bytes)
  return root.digest()
}

/** The 0G root of a file, in constant memory, on several cores when it is large. @throws AppError `file_empty` */
export async function rootOfFile(path: string): Promise<Hex> {
  const { size } = await stat(path)
  if (size < WORTH_THREADS) return rootOf(filePieces(path))
  const segments = await rootsOfSegments(path, Math.floor(size / SEGMENT_BYTES))
  const hasher = new SegmentHasher()
  await readTail(path, segments.length * SEGMENT_BYTES, hasher.segment)
  return rootOfSegments(hasher, segments, size)
}

async function rootsOfSegments(path: string, segments: number): Promise<Uint8Array[]> {
  const roots = new Uint8Array(new SharedArrayBuffer(segments * HASH_BYTES))
  const work: RootWork = { path, segments, next: new Int32Array(new SharedArrayBuffer(4)), roots }
  const threads = Math.min(availableParallelism(), MAX_THREADS)
  await Promise.all(Array.from({ length: threads }, () => runWorker(work)))
  return Array.from({ length: segments }, (_, i) => roots.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES))
}

const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './rootWorker.ts' : './rootWorker.js',
  import.meta.url,
)

function runWorker(workerData: RootWork): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER, { workerData })
    worker.once('message', () => resolve())
    worker.once('error', reject)
  })
}

async function readTail(path: string, from: number, into: Uint8Array): Promise<void> {
  const file = await open(path, 'r')
  try {
    for (let filled = 0; ; ) {
      const { bytesRead } = await file.read(into, filled, into.length - filled, from + filled)
      if (bytesRead === 0) return
      filled += bytesRead
    }
  } finally {
    await file.close()
  }
}
