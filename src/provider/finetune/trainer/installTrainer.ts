import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { AppError } from '../../../base/errors.ts'
import { TRAINER_SOURCE } from './trainerSource.ts'

const PYTHONS = ['python3.13', 'python3.12', 'python3.11', 'python3']
const OLDEST = [3, 11] as const
/** In the folder once everything is installed: what was. */
const MARK = 'installed'

/** Python of an installed trainer, null when the folder has none of this release. */
export function trainerPython(folder: string): string | null {
  const mark = join(folder, MARK)
  const isCurrent = existsSync(mark) && readFileSync(mark, 'utf8') === requirementsHash()
  return isCurrent ? pythonIn(folder) : null
}

/**
 * Installs the trainer's packages, pinned, into a virtual environment of its own. Does nothing when they are there.
 * @param onStep told what is being done, for people
 * @returns the Python that has them
 * @throws AppError `python_missing`, `trainer_install_failed`
 */
export async function installTrainer(folder: string, onStep: (title: string) => void): Promise<string> {
  const installed = trainerPython(folder)
  if (installed) return installed
  const python = await findPython()
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  onStep('Making a Python environment')
  await run(python, ['-m', 'venv', folder], () => {})
  const options = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off']
  const requirements = join(TRAINER_SOURCE, 'requirements.txt')
  await run(pythonIn(folder), ['-m', 'pip', 'install', ...options, '-r', requirements], (line) => {
    const package_ = /^(?:Collecting|Downloading) (\S+)/.exec(line)?.[1]
    if (package_) onStep(`Fetching ${package_.split('/').at(-1)}`)
    if (line.startsWith('Installing collected packages')) onStep('Installing the packages')
  })
  writeFileSync(join(folder, MARK), requirementsHash())
  return pythonIn(folder)
}

const pythonIn = (folder: string): string =>
  process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python')

const requirementsHash = (): string =>
  createHash('sha256')
    .update(readFileSync(join(TRAINER_SOURCE, 'requirements.txt')))
    .digest('hex')

async function findPython(): Promise<string> {
  const program = 'import sys, venv, ensurepip; print(*sys.version_info[:2])'
  for (const python of PYTHONS) {
    const found = await promisify(execFile)(python, ['-c', program]).catch(() => null)
    const [major = 0, minor = 0] = (found?.stdout ?? '').trim().split(' ').map(Number)
    if (major === OLDEST[0] && minor >= OLDEST[1]) return python
  }
  throw new AppError({
    code: 'python_missing',
    message: `There is no Python ${OLDEST.join('.')} or newer with venv and pip here`,
    hint: 'Training needs it. On Debian and Ubuntu: apt install python3 python3-venv',
    next: '0g-compute provider init --finetune',
  })
}

async function run(file: string, args: readonly string[], onLine: (line: string) => void): Promise<void> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const errors: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text))
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('exit', resolve)
  })
  for await (const line of createInterface({ input: child.stdout })) onLine(line)
  if ((await exited) === 0) return
  const reason = errors.join('').trim().split('\n').at(-1) ?? ''
  throw new AppError({
    code: 'trainer_install_failed',
    message: `The trainer's packages could not be installed: ${reason.slice(0, 300)}`,
    hint: 'Is the package index reachable, and are there a few GB free? What is there is used again',
    next: '0g-compute provider init --finetune',
    retryable: true,
  })
}
