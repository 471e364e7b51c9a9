import type { FineTuningOptions } from '../options.ts'
import { openLocalTrainer } from './localTrainer.ts'
import type { Trainer } from './trainer.ts'

export interface OpenTrainerOptions {
  readonly options: Pick<FineTuningOptions, 'trainer' | 'python'>
  readonly hide: readonly string[]
  readonly readable: readonly string[]
}

/** Where jobs run. @throws AppError `trainer_missing`, `ray_unreachable` */
export async function openTrainer({ options, hide, readable }: OpenTrainerOptions): Promise<Trainer> {
  const { trainer, python } = options
  if (trainer.kind === 'local') return openLocalTrainer({ python, hide, readable })
  const { openRayTrainer } = await import('./rayTrainer.ts')
  return openRayTrainer({ address: trainer.address, python })
}
