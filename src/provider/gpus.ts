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

/**
 * Those that CUDA programs of this process see. `nvidia-smi` lists all of them, whatever the variable says.
 * @param visible the variable `CUDA_VISIBLE_DEVICES`; ids that are no numbers count by how many they are
 */
export function visibleGpus(
  gpus: readonly Gpu[],
  visible: string | undefined = process.env.CUDA_VISIBLE_DEVICES,
): readonly Gpu[] {
  if (visible === undefined) return gpus
  const ids = visible
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '' && id !== '-1')
  if (ids.every((id) => /^\d+$/.test(id))) return ids.flatMap((id) => gpus[Number(id)] ?? [])
  return gpus.slice(0, ids.length)
}
