import { AppError, EXIT } from '../../../base/errors.ts'

/**
 * The slots of a machine: each a group of its GPUs, by their numbers. With more slots than groups some share one.
 * @param gpus how many there are; with none a slot computes on the CPU
 * @throws AppError `gpus_too_few`
 */
export function slotsOf(
  gpus: number,
  { slots, gpusPerJob = 1 }: { readonly slots?: number; readonly gpusPerJob?: number },
): (readonly number[])[] {
  if (gpus > 0 && gpusPerJob > gpus) throw tooFew(gpus, gpusPerJob)
  const groups = Math.max(1, Math.floor(gpus / gpusPerJob))
  return Array.from({ length: slots ?? groups }, (_, index) => {
    const first = (index % groups) * gpusPerJob
    return gpus === 0 ? [] : Array.from({ length: gpusPerJob }, (_, nth) => first + nth)
  })
}

const tooFew = (gpus: number, gpusPerJob: number): AppError =>
  new AppError({
    code: 'gpus_too_few',
    message: `finetune.gpusPerJob is ${gpusPerJob}, and there are ${gpus} GPUs here`,
    hint: 'Lower it, or leave it out: then a job trains on one',
    next: '0g-compute provider check',
    exitCode: EXIT.usage,
  })
