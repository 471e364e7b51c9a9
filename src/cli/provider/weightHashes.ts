import { join } from 'node:path'
import { cachedHashes } from '../../provider/engine/cachedHashes.ts'
import { type HashFiles, hashWeights } from '../../provider/engine/embedded/weights.ts'
import type { Tee } from '../../provider/tee/tee.ts'

/** Without an enclave what was hashed once is not read again; in one nothing on the disk is believed. */
export const weightHashes = (tee: Tee['kind'], dataDir: string): HashFiles =>
  tee === 'dstack' ? hashWeights : cachedHashes(join(dataDir, 'weights.json'))
