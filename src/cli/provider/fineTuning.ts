import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError, EXIT } from '../../base/errors.ts'
import { parse0G } from '../../base/units.ts'
import type { NetworkProfile } from '../../chain/networks.ts'
import type { ProviderConfig } from '../../provider/config/config.ts'
import { perToken } from '../../provider/config/resolve.ts'
import type { ModelOptions } from '../../provider/finetune/models.ts'
import {
  type DatasetStores,
  DEFAULT_FINE_TUNING_LIMITS,
  DEFAULT_FINE_TUNING_PRICE,
  type FineTuningLimits,
  type FineTuningOptions,
} from '../../provider/finetune/options.ts'
import { trainerPython } from '../../provider/finetune/trainer/installTrainer.ts'
import { localStore } from '../../storage/stores/localStore.ts'
import { indexerOf, zgStore } from '../../storage/stores/zgStore.ts'
import type { Context } from '../framework/context.ts'
import type { Paths } from '../framework/paths.ts'

type Section = NonNullable<ProviderConfig['finetune']>

const DEMO_MODEL = fileURLToPath(new URL('../../../models/demo', import.meta.url))
const HOUR_SECONDS = 3600

/** Where the trainer's packages are installed. */
export const trainerFolder = (paths: Paths): string => join(paths.state, 'trainer', 'venv')

/**
 * Fine-tuning as a configuration has it; undefined when it is off.
 * @throws AppError `trainer_not_installed`, `finetune_needs_tee`, `usage`, `price_too_fine`
 */
export function fineTuningOf(
  { finetune, tee }: ProviderConfig,
  { paths, network }: Pick<Context, 'paths' | 'network'>,
): FineTuningOptions | undefined {
  if (!finetune?.enabled) return undefined
  if (tee?.kind === 'none') throw needsTee(network)
  const python = finetune.python ?? trainerPython(trainerFolder(paths))
  if (!python) throw notInstalled(network)
  return {
    models: modelsOf(finetune),
    prices: { perToken: perToken(finetune.price ?? DEFAULT_FINE_TUNING_PRICE) },
    limits: limitsOf(finetune),
    trainer: trainerOf(finetune),
    python,
    cacheDir: join(paths.state, 'trainer', 'cache'),
    hide: [paths.devnet, paths.config].filter((path) => path !== paths.state),
    stores: storesOf(finetune, paths, network),
    ...(finetune.workDir !== undefined && { workDir: finetune.workDir }),
    ...(finetune.slots !== undefined && { slots: finetune.slots }),
    ...(finetune.gpusPerJob !== undefined && { gpusPerJob: finetune.gpusPerJob }),
    ...(finetune.scratch !== undefined && { scratch: finetune.scratch }),
  }
}

/** On a devnet of this machine a simulated one counts. */
const needsTee = ({ kind }: NetworkProfile): AppError =>
  new AppError({
    code: 'finetune_needs_tee',
    message: 'Fine-tuning needs a TEE, and this provider is configured without one',
    hint: 'Datasets are sealed to an enclave, and a fee is paid against its signature; there are no vouchers for it',
    next: `0g-compute provider serve --tee ${kind === 'devnet' ? 'simulated' : 'dstack'} --finetune`,
    exitCode: EXIT.unsupported,
  })

function modelsOf({ models }: Section): ModelOptions[] {
  if (!models) {
    const about = 'The demo model of this package: LoRA and full fine-tuning'
    return [
      { name: '0g-compute-demo', path: DEMO_MODEL, gguf: join(DEMO_MODEL, 'demo.gguf'), description: about },
    ]
  }
  return Object.entries(models).map(([name, { storageFee, ...model }]) => ({
    name,
    ...model,
    ...(storageFee !== undefined && { storageFee: parse0G(storageFee) }),
  }))
}

function limitsOf({ retention, windows, limits }: Section): FineTuningLimits {
  const standard = DEFAULT_FINE_TUNING_LIMITS
  return {
    ...standard,
    ...limits,
    ...(retention !== undefined && { retentionSeconds: retention * HOUR_SECONDS }),
    minimumWindows: { ...standard.minimumWindows, ...windows },
  }
}

/** On a devnet user and provider share a folder; elsewhere 0G Storage, where the provider wants to fetch from it. */
function storesOf({ storage }: Section, paths: Paths, network: NetworkProfile): DatasetStores {
  return {
    ...(network.kind === 'devnet' && { local: localStore(join(paths.state, 'storage')) }),
    ...(storage && {
      '0g-storage': zgStore({ indexer: indexerOf(network.name), rpc: network.rpcUrls[0]! }),
    }),
  }
}

function trainerOf({ trainer = 'local', rayAddress }: Section): FineTuningOptions['trainer'] {
  if (trainer === 'local') return { kind: 'local' }
  if (rayAddress !== undefined) return { kind: 'ray', address: rayAddress }
  throw new AppError({
    code: 'usage',
    message: '--trainer ray needs --ray-address',
    hint: 'Name the dashboard of the cluster, e.g. http://127.0.0.1:8265',
    next: '0g-compute provider serve --help',
    exitCode: EXIT.usage,
  })
}

const notInstalled = ({ kind }: NetworkProfile): AppError =>
  new AppError({
    code: 'trainer_not_installed',
    message: 'Fine-tuning is on, and the packages that train are not installed',
    hint:
      kind === 'devnet'
        ? 'They are installed once, into a folder of their own (some GB). Then: 0g-compute devnet up --finetune'
        : 'They are installed once, into a folder of their own (some GB)',
    next: '0g-compute provider init --finetune',
  })
