import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runProgram } from '../test/spawn.ts'
import { installInto } from '../test/venv.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Where the trainer's packages lie. */
export const TRAINER_VENV = join(ROOT, '.venv')
const REQUIREMENTS = join(ROOT, 'trainer', 'requirements.txt')

/** Exits 0 when every pinned package is there in its version. */
const IS_READY = `
import sys
from importlib.metadata import PackageNotFoundError, version
def there(name, wanted):
    try:
        return version(name).split("+")[0] == wanted
    except PackageNotFoundError:
        return False
pins = [line.strip().split("==") for line in open(sys.argv[1]) if "==" in line]
sys.exit(0 if sys.version_info >= (3, 11) and all(there(*pin) for pin in pins) else 1)
`

export interface PreparedTrainer {
  /** The interpreter that has the trainer's packages, or null. */
  readonly python: string | null
  /** Why there is none. */
  readonly why: string
}

/** A Python with the trainer's packages in `.venv`, made when it is missing. */
export async function prepareTrainer(say: (text: string) => void): Promise<PreparedTrainer> {
  const python = join(TRAINER_VENV, 'bin', 'python')
  if (existsSync(python) && (await isReady(python))) return { python, why: '' }
  const found = await runProgram('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))'])
  if (found.code !== 0) return { python: null, why: 'there is no Python 3.11 or newer on this machine' }
  say('Installing the trainer: Python packages of about 1 GB, once')
  const problem = await installInto(TRAINER_VENV, ['--requirement', REQUIREMENTS])
  if (problem) return { python: null, why: problem }
  if (!(await isReady(python))) return { python: null, why: 'pip left other versions than were asked for' }
  return { python, why: '' }
}

const isReady = async (python: string): Promise<boolean> =>
  (await runProgram(python, ['-c', IS_READY, REQUIREMENTS])).code === 0
