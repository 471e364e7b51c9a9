import { spawn } from 'node:child_process'
import { join } from 'node:path'

const PROGRAM = join(import.meta.dirname, '../../bin/0g-compute.js')

/** Runs the real command line with a home of its own. */
export class Cli {
  readonly say: (text: string) => void
  readonly durations: Record<string, number> = {}
  readonly #env: NodeJS.ProcessEnv

  /** @param python that has the trainer's packages */
  constructor(home: string, say: (text: string) => void, python: string | null = null) {
    const { ZG_PRIVATE_KEY, ZG_PRIVATE_KEY_FILE, ZG_NETWORK, ZG_WALLET, ...env } = process.env
    this.#env = {
      ...env,
      ZG_HOME: home,
      ZG_DEVNET_DIR: join(home, 'devnet'),
      ...(python !== null && { ZG_PROVIDER_FINETUNE_PYTHON: python }),
    }
    this.say = say
  }

  /** Runs a command with `--json` and answers what it printed, as an object. Its time is kept under `name`. */
  async run<T>(words: readonly string[], name?: string): Promise<T> {
    const startedAt = performance.now()
    const { code, stdout, stderr } = await this.#spawn([...words, '--json'])
    if (name) this.durations[name] = Math.round(performance.now() - startedAt)
    if (code !== 0) throw new Error(`0g-compute ${words.join(' ')} ended with ${code}: ${stdout || stderr}`)
    return JSON.parse(stdout) as T
  }

  /** Shows the command as a person would type it. */
  show(words: readonly string[]): void {
    this.say(
      `\n$ 0g-compute ${words.map((word) => (/[^\w./-]/.test(word) ? JSON.stringify(word) : word)).join(' ')}`,
    )
  }

  #spawn(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [PROGRAM, ...args], {
        env: this.#env,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let stdout = ''
      let stderr = ''
      child.stdout.on('data', (chunk) => {
        stdout += chunk
      })
      child.stderr.on('data', (chunk) => {
        stderr += chunk
      })
      child.once('error', reject)
      child.once('close', (code) => resolve({ code: code ?? 1, stdout, stderr }))
    })
  }
}
