import { closeSync, openSync, readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { HASH_BYTES, SEGMENT_BYTES, SEGMENT_CHUNKS, SegmentHasher } from './segments.ts'

/** What the threads of one file share. */
export interface RootWork {
  readonly path: string
  /** Whole segments of the file. */
  readonly segments: number
  /** The number of the next batch that nobody has taken. */
  readonly next: Int32Array
  /** Where the segments' roots go. */
  readonly roots: Uint8Array
}

/** Segments that a thread takes at once: 4 MiB. */
const BATCH = 16

const { path, segments, next, roots } = workerData as RootWork
const hasher = new SegmentHasher()
const file = openSync(path, 'r')
try {
  for (let first = take(); first < segments; first = take())
    for (let segment = first; segment < Math.min(first + BATCH, segments); segment++) {
      readSegment(segment)
      roots.set(hasher.rootOfSegment(SEGMENT_BYTES, SEGMENT_CHUNKS), segment * HASH_BYTES)
    }
} finally {
  closeSync(file)
}
parentPort!.postMessage('done')

function take(): number {
  return Atomics.add(next, 0, 1) * BATCH
}

function readSegment(segment: number): void {
  for (let filled = 0; filled < SEGMENT_BYTES; ) {
    const position = segment * SEGMENT_BYTES + filled
    const read = readSync(file, hasher.segment, filled, SEGMENT_BYTES - filled, position)
    if (read === 0) throw new Error('the file became shorter while it was read')
    filled += read
  }
}
