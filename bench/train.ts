import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Result, report } from './report.ts'

/**
 * Tokens per second of the trainer, and of a plain transformers and peft script, on the same model, data and machine.
 * Padding does not count. `ZG_TRAINER_PYTHON` names the Python with the trainer's packages; otherwise it is that
 * of `.venv`, which `npm run test:all` makes, or of `trainer/.venv`.
 */
const ROUNDS = 3
const EXAMPLES = 100
const THREADS = Math.min(cpus().length, 2)
const TRAINER = join(import.meta.dirname, '../trainer')
const MODEL = join(import.meta.dirname, '../models/demo')
const VENVS = ['..', '../trainer'].map((at) => join(import.meta.dirname, at, '.venv/bin/python'))
const PYTHON = process.env.ZG_TRAINER_PYTHON ?? VENVS.find(existsSync) ?? 'python3'

interface Run {
  readonly trainedTokens: number
  readonly trainSeconds: number
}

const folder = mkdtempSync(join(tmpdir(), '0g-compute-bench-'))
try {
  measure()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function measure(): void {
  const versions = packageVersions()
  if (typeof versions === 'string') {
    reportNothing(versions)
    return
  }
  const job = writeJob()
  const speeds: Record<'ours' | 'plain', number[]> = { ours: [], plain: [] }
  for (let round = 0; round < ROUNDS; round++) {
    speeds.ours.push(speed(ours(job, round)))
    speeds.plain.push(speed(plain(job)))
  }
  const results = [result('ours', speeds.ours), result('plain', speeds.plain)]
  const ratio = results[0]!.value! / results[1]!.value!
  report({ bench: 'train', results, versions }, [`ours trains ${ratio.toFixed(2)} times as fast`])
}

function writeJob(): string {
  const data = join(folder, 'data.jsonl')
  python(['bench/plain.py', '--data', data, '--count', String(EXAMPLES)])
  const job = join(folder, 'job.json')
  const parameters = { num_train_epochs: 2, per_device_train_batch_size: 4, learning_rate: 0.0002 }
  const limits = { threads: THREADS }
  const content = { method: 'lora', model: MODEL, dataset: { file: data }, parameters, seed: 7, limits }
  writeFileSync(job, JSON.stringify(content))
  return job
}

function ours(job: string, round: number): Run {
  const output = join(folder, `ours-${round}`)
  return lastLine(python(['-m', 'zg_trainer', 'run', '--config', job, '--output', output]))
}

function plain(job: string): Run {
  return lastLine(python(['bench/plain.py', '--config', job]))
}

function python(args: readonly string[]): string {
  const env = {
    ...process.env,
    OMP_NUM_THREADS: String(THREADS),
    // The trainer sets it; without it a script's waiting threads take the core from other programs.
    OMP_WAIT_POLICY: 'passive',
    TOKENIZERS_PARALLELISM: 'false',
  }
  const run = spawnSync(PYTHON, args, { cwd: TRAINER, env, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (run.status !== 0) throw new Error(`${args[0]} ended with ${run.status}: ${run.stderr?.slice(-2000)}`)
  return run.stdout
}

function packageVersions(): Record<string, string> | string {
  const code =
    'import json;from importlib.metadata import version as v;' +
    'print(json.dumps({n:v(n) for n in ("torch","transformers","peft","accelerate")}))'
  const run = spawnSync(PYTHON, ['-c', code], { encoding: 'utf8' })
  return run.status === 0 ? JSON.parse(run.stdout) : "Python with the trainer's packages was not found"
}

function reportNothing(why: string): void {
  const nothing = { id: 'tokensPerSecond', value: null, unit: 'tokens/s', why } as const
  report({
    bench: 'train',
    results: [
      { ...nothing, subject: 'ours' },
      { ...nothing, subject: 'plain' },
    ],
  })
}

function lastLine(output: string): Run {
  return JSON.parse(output.trim().split('\n').at(-1)!)
}

function speed({ trainedTokens, trainSeconds }: Run): number {
  return trainedTokens / trainSeconds
}

function result(subject: string, values: readonly number[]): Result {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.floor(sorted.length / 2)]!
  return { id: 'tokensPerSecond', subject, value, unit: 'tokens/s', spread: [sorted[0]!, sorted.at(-1)!] }
}
