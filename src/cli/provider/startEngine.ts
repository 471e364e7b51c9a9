import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { ProviderConfig } from '../../provider/config/config.ts'
import type { Engine } from '../../provider/engine/engine.ts'

const DEMO_MODEL = fileURLToPath(new URL('../../../models/demo/demo.gguf', import.meta.url))

/** The engine that a configuration names. @throws AppError `usage`, and those of the engine */
export async function startEngine({ engine = {} }: ProviderConfig, logger: Logger): Promise<Engine> {
  const { kind = 'embedded', target, model = DEMO_MODEL, parallel, context } = engine
  if (kind === 'url') {
    if (!target) throw usage('--engine url needs --target', 'Name the server, e.g. http://127.0.0.1:8000/v1')
    const { attachUrlEngine } = await import('../../provider/engine/url/attachUrlEngine.ts')
    return attachUrlEngine({ target, logger })
  }
  if (kind !== 'embedded') throw usage(`There is no engine "${kind}"`, 'Engines: embedded, url')
  if (!existsSync(model)) throw usage(`There is no model at ${model}`, 'Name a GGUF file with --model')
  const { startEmbeddedEngine } = await import('../../provider/engine/embedded/startEmbeddedEngine.ts')
  return startEmbeddedEngine({
    modelPath: model,
    logger,
    ...(parallel !== undefined && { parallel }),
    ...(context !== undefined && { contextSize: context }),
  })
}

const usage = (message: string, hint: string): AppError =>
  new AppError({
    code: 'usage',
    message,
    hint,
    next: '0g-compute provider serve --help',
    exitCode: EXIT.usage,
  })
