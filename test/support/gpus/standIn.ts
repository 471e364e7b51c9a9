import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A folder for the PATH with a stand-in for `nvidia-smi`: it says so by the name of its GPUs, of which there are none.
 * @param memoryMiB of each
 */
export function standInForGpus(dir: string, memoryMiB: readonly number[]): string {
  const folder = join(dir, `gpus-${memoryMiB.join('-')}`)
  mkdirSync(folder, { recursive: true })
  const lines = memoryMiB.map((memory, index) => `echo "Stand-in for a GPU ${index}, ${memory}"`)
  const program = join(folder, 'nvidia-smi')
  writeFileSync(program, `#!/bin/sh\n${lines.join('\n')}\n`)
  chmodSync(program, 0o755)
  return folder
}
