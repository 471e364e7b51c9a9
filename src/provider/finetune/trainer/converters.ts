import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Converters } from '../workshop.ts'
import { parseEvent } from './trainer.ts'
import { TRAINER_SOURCE } from './trainerSource.ts'

const UNPACK_MS = 300_000

/**
 * llama.cpp's converters, unpacked once from the source that node-llama-cpp brings.
 * @returns null where there is none: models are then delivered without GGUF files, and cannot be served here
 */
export async function unpackConverters(python: string, cacheDir: string): Promise<Converters | null> {
  const bundle = findBundle()
  if (!bundle) return null
  await mkdir(cacheDir, { recursive: true })
  const args = ['-m', 'zg_trainer', 'converters', '--llama-cpp', bundle, '--cache', cacheDir]
  const env = { PATH: process.env.PATH ?? '', HOME: cacheDir, PYTHONPATH: TRAINER_SOURCE }
  try {
    const { stdout } = await promisify(execFile)(python, args, { env, timeout: UNPACK_MS })
    const folder = parseEvent(stdout.trim())?.folder
    return typeof folder === 'string' ? { llamaCpp: folder, cache: cacheDir } : null
  } catch {
    return null
  }
}

function findBundle(): string | null {
  try {
    const entry = import.meta.resolve('node-llama-cpp')
    const bundle = fileURLToPath(new URL('../llama/gitRelease.bundle', entry))
    return existsSync(bundle) ? bundle : null
  } catch {
    return null
  }
}
