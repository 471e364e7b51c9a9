import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Gpu {
  readonly name: string
  readonly memoryMiB: number
}

/** GPUs of this machine as `nvidia-smi` lists them; none where there is no such program. */
export async function findGpus(): Promise<Gpu[]> {
  const args = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits']
  const lines = await promisify(execFile)('nvidia-smi', args, { timeout: 10_000 }).then(
    ({ stdout }) => stdout.trim().split('\n'),
    () => [],
  )
  return lines.flatMap((line) => {
    const [name, memory] = line.split(',').map((part) => part.trim())
    return name && Number(memory) > 0 ? [{ name, memoryMiB: Number(memory) }] : []
  })
}
