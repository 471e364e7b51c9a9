import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, EXIT } from '../../base/errors.ts'
import { type FileLock, tryLock } from '../../base/fileLock.ts'
import { type Address, sameAddress } from '../../base/hex.ts'
import type { TaskEvent } from '../../protocol/finetune/task.ts'
import { replaceFile } from '../replaceFile.ts'
import type { LocalTask } from './localTask.ts'

/** A folder without a task is another process's, which is preparing one, or else older than this. */
const ABANDONED_MS = 3_600_000

/** Tasks of this machine: a folder for each under `finetune`, with `task.json` and the sealed files. */
export class TaskStore {
  readonly #dir: string

  constructor(stateDir: string) {
    this.#dir = join(stateDir, 'finetune')
  }

  /** A file of a task, e.g. the sealed model. */
  path(task: Pick<LocalTask, 'key'>, file: string): string {
    return join(this.#dir, task.key, file)
  }

  /** Whoever holds it brings the task to its end; null while another process does. */
  lock(task: Pick<LocalTask, 'key'>): FileLock | null {
    return tryLock(this.path(task, 'lock'))
  }

  /** Removes what calls left that were killed before there was a task: sealed datasets. */
  async sweep(now: number): Promise<void> {
    for (const key of await readdir(this.#dir).catch(() => [])) {
      const folder = join(this.#dir, key)
      // Another process may have removed it meanwhile.
      const found = await stat(folder).catch(() => null)
      const isOld = found !== null && now - found.mtimeMs > ABANDONED_MS
      if (isOld && (await this.#read(key)) === null) await rm(folder, { recursive: true, force: true })
    }
  }

  /** Makes the folder of a task. */
  async open(key: string): Promise<void> {
    await mkdir(join(this.#dir, key), { recursive: true, mode: 0o700 })
  }

  /** Replaces what is known of a task, as a whole: a kill leaves the old or the new. */
  async save(task: LocalTask): Promise<LocalTask> {
    await this.open(task.key)
    await replaceFile(this.path(task, 'task.json'), `${JSON.stringify(task, null, 2)}\n`)
    return task
  }

  /** Changes what is known of a task by now: another process may have written since it was read. */
  async change(task: LocalTask, change: Partial<LocalTask>): Promise<LocalTask> {
    return this.save({ ...((await this.#read(task.key)) ?? task), ...change })
  }

  async remove(task: Pick<LocalTask, 'key'>, ...files: readonly string[]): Promise<void> {
    for (const file of files) await rm(this.path(task, file), { force: true })
  }

  /** A user's tasks at a contract, newest first. */
  async list(owner: Pick<LocalTask, 'chainId' | 'contract' | 'user'>): Promise<LocalTask[]> {
    const keys = await readdir(this.#dir).catch(() => [])
    const tasks = (await Promise.all(keys.map((key) => this.#read(key)))).filter((task) => task !== null)
    return tasks
      .filter(
        ({ chainId, contract, user }) =>
          chainId === owner.chainId && sameAddress(contract, owner.contract) && sameAddress(user, owner.user),
      )
      .sort((a, b) => b.createdAt - a.createdAt)
  }

  /**
   * The task that is meant by the beginning of its id, or the newest one.
   * @throws AppError `task_unknown`
   */
  async find(
    owner: { readonly chainId: number; readonly contract: Address; readonly user: Address },
    id: string | undefined,
  ): Promise<LocalTask> {
    const tasks = await this.list(owner)
    const found =
      id === undefined
        ? tasks[0]
        : tasks.find(({ taskId, key }) => taskId?.startsWith(id.toLowerCase()) || key.startsWith(id))
    if (!found) throw taskUnknown(id)
    return found
  }

  /** Keeps the figures of a training, for reports after its broker has forgotten them. */
  async keepEvents(task: LocalTask, events: readonly TaskEvent[]): Promise<void> {
    const lines = events.map((event) => JSON.stringify(event))
    await replaceFile(this.path(task, 'events.ndjson'), `${lines.join('\n')}\n`)
  }

  async keptEvents(task: LocalTask): Promise<TaskEvent[]> {
    const text = await readFile(this.path(task, 'events.ndjson'), 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as TaskEvent)
  }

  /** A folder without a file, or with one that is not whole, is no task: it was killed before it began. */
  async #read(key: string): Promise<LocalTask | null> {
    try {
      const task = JSON.parse(await readFile(this.path({ key }, 'task.json'), 'utf8')) as LocalTask
      return task.v === 1 && task.key === key ? task : null
    } catch {
      return null
    }
  }
}

const taskUnknown = (id: string | undefined): AppError =>
  new AppError({
    code: 'task_unknown',
    message: id === undefined ? 'There is no task yet' : `There is no task ${id} on this machine`,
    hint: 'Tasks are kept by wallet and network. Is it the right one?',
    next: '0g-compute finetune list',
    exitCode: EXIT.usage,
  })
