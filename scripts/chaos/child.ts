import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const START_MS = 30_000

/** A process that is killed and started again. */
export class Child {
  readonly #script: string
  readonly #argument: () => string
  #process: ChildProcess | null = null
  /** Its last lines on stderr, for when it does not start. */
  #tail = ''
  #ready: Promise<void> = Promise.resolve()
  kills = 0

  constructor(script: string, argument: () => string) {
    this.#script = join(import.meta.dirname, script)
    this.#argument = argument
  }

  /** Resolves when it serves, also after a kill. */
  get ready(): Promise<void> {
    return this.#ready
  }

  get pid(): number {
    return this.#process!.pid!
  }

  get log(): string {
    return this.#tail
  }

  /** Starts it; while the chain does not let it start, again and again, as a service manager does. */
  start(): Promise<void> {
    this.#ready = this.#untilReady()
    return this.#ready
  }

  /** `kill -9`, then a new start. */
  async kill(): Promise<void> {
    await this.#ready
    this.kills++
    const gone = new Promise((resolve) => this.#process?.once('exit', resolve))
    this.#process?.kill('SIGKILL')
    this.#ready = gone.then(() => this.#untilReady())
    await gone
  }

  /** Asks it, and waits for its answer. */
  async ask<T>(message: string): Promise<T> {
    await this.#ready
    const child = this.#process!
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error(`it ended: ${this.#tail}`))
      child.once('exit', onExit)
      child.once('message', (answer) => {
        child.off('exit', onExit)
        resolve(answer as T)
      })
      child.send(message)
    })
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.send('stop')
    const timer = setTimeout(() => child.kill('SIGKILL'), START_MS)
    await gone
    clearTimeout(timer)
  }

  end(): void {
    this.#process?.kill('SIGKILL')
  }

  async #untilReady(): Promise<void> {
    for (const until = Date.now() + START_MS; ; ) {
      if (await this.#startOnce()) return
      if (Date.now() > until) throw new Error(`${this.#script} does not start: ${this.#tail}`)
      await sleep(100)
    }
  }

  #startOnce(): Promise<boolean> {
    const child = spawn(process.execPath, [this.#script, this.#argument()], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#process = child
    const killOnExit = () => child.kill('SIGKILL')
    process.once('exit', killOnExit)
    child.once('exit', () => process.off('exit', killOnExit))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#tail = (this.#tail + text).slice(-20_000)
    })
    return new Promise((resolve) => {
      child.once('message', () => resolve(true))
      child.once('exit', () => resolve(false))
    })
  }
}
