import { join } from 'node:path'

/** Of the broker's environment: what it takes to find programs and GPUs, and nothing that could be a key. */
const ALLOWED = /^(PATH|LANG|LC_ALL|TZ|LD_LIBRARY_PATH|CUDA_HOME|NVIDIA_[A-Z_]+|OMP_NUM_THREADS)$/

/**
 * The environment of a job: whatever its libraries write lies in its own folder in memory, and nothing is fetched.
 * @param folder the job's
 * @param gpus those that it may use
 */
export function jobEnvironment(
  environment: NodeJS.ProcessEnv,
  folder: string,
  trainerSource: string,
  gpus: readonly number[],
): Record<string, string> {
  const entries = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && ALLOWED.test(entry[0]),
  )
  return {
    ...Object.fromEntries(entries),
    HOME: folder,
    TMPDIR: join(folder, 'tmp'),
    XDG_CACHE_HOME: join(folder, 'tmp'),
    HF_HOME: join(folder, 'tmp'),
    TORCHINDUCTOR_CACHE_DIR: join(folder, 'tmp'),
    HF_HUB_OFFLINE: '1',
    TRANSFORMERS_OFFLINE: '1',
    HF_HUB_DISABLE_TELEMETRY: '1',
    PYTHONPATH: trainerSource,
    PYTHONNOUSERSITE: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
    CUDA_VISIBLE_DEVICES: gpus.join(','),
  }
}
