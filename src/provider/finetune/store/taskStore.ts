import { type Kysely, sql } from 'kysely'
import { AppError } from '../../../base/errors.ts'
import type { Address } from '../../../base/hex.ts'
import type { TaskEvent } from '../../../protocol/finetune/task.ts'
import { rowTampered } from '../../ledger/errors.ts'
import type { RowSeal } from '../../ledger/seal.ts'
import type { Task, TaskChange } from '../task.ts'
import type { FineTuningTables, TaskRow } from './tables.ts'

/** Events that are read at once. */
const PAGE = 1000

/** The tasks, durable: each change is one statement and so one transaction, and whoever read an older version loses. */
export class TaskStore {
  readonly #db: Kysely<FineTuningTables>
  readonly #seal: RowSeal
  readonly #now: () => number

  constructor(db: Kysely<FineTuningTables>, seal: RowSeal, now: () => number = Date.now) {
    this.#db = db
    this.#seal = seal
    this.#now = now
  }

  async insert(task: Omit<Task, 'version' | 'createdAt' | 'updatedAt'>): Promise<Task> {
    const now = this.#now()
    const whole: Task = { ...task, version: 1, createdAt: now, updatedAt: now }
    await this.#db.transaction().execute(async (tx) => {
      await tx.insertInto('finetune_tasks').values(this.#row(whole)).execute()
      await this.#addEvent(tx, whole.id, stateEvent(whole))
    })
    return whole
  }

  /** @throws AppError `ledger_row_tampered` */
  async find(id: string): Promise<Task | null> {
    const row = await this.#db
      .selectFrom('finetune_tasks')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    return row ? this.#task(row) : null
  }

  /** The user's tasks, the newest first. */
  async ofUser(user: Address): Promise<Task[]> {
    const rows = await this.#db
      .selectFrom('finetune_tasks')
      .selectAll()
      .where('user', '=', lower(user))
      .orderBy('created_at', 'desc')
      .execute()
    return rows.map((row) => this.#task(row))
  }

  /** Tasks of a node for which something is left to do, the oldest first. Rows of a stranger's hand are left out. */
  async open(node: string, onTampered: (id: string) => void = () => {}): Promise<Task[]> {
    const rows = await this.#db
      .selectFrom('finetune_tasks')
      .selectAll()
      .where('closed', '=', 0)
      .where('node', '=', node)
      .orderBy('created_at')
      .execute()
    return rows.flatMap((row) => {
      if (this.#matches(row)) return [this.#task(row)]
      onTampered(row.id)
      return []
    })
  }

  /** Tasks of all nodes that wait or run. */
  async unfinished(): Promise<Pick<TaskRow, 'id' | 'user' | 'state'>[]> {
    return this.#db
      .selectFrom('finetune_tasks')
      .select(['id', 'user', 'state'])
      .where('state', 'not in', ['Finished', 'Failed'])
      .execute()
  }

  /** Tasks by state, all ever. */
  async counts(): Promise<{ state: string; tasks: number }[]> {
    const rows = await this.#db
      .selectFrom('finetune_tasks')
      .select(({ fn }) => ['state', fn.countAll().as('tasks')])
      .groupBy('state')
      .execute()
    return rows.map(({ state, tasks }) => ({ state, tasks: Number(tasks) }))
  }

  /**
   * Writes a change of a task as it was read, and a new state into its log, in one transaction.
   * @throws AppError `task_changed` (409, retryable) when somebody else changed it since
   */
  async change(task: Task, change: TaskChange): Promise<Task> {
    const next: Task = { ...task, ...change, version: task.version + 1, updatedAt: this.#now() }
    await this.#db.transaction().execute(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('finetune_tasks')
        .set(this.#row(next))
        .where('id', '=', task.id)
        .where('version', '=', task.version)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw taskChanged(task.id)
      if (next.state !== task.state) await this.#addEvent(tx, task.id, stateEvent(next))
    })
    return next
  }

  /** Adds a line to a task's log. Numbers count from 1; one process writes the log of a task. */
  addEvent(task: string, event: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#addEvent(this.#db, task, event)
  }

  /** Events after a number, at most a thousand. */
  async events(task: string, after: number): Promise<TaskEvent[]> {
    const rows = await this.#db
      .selectFrom('finetune_lines')
      .select(['line', 'text'])
      .where('task', '=', task)
      .where('line', '>', after)
      .orderBy('line')
      .limit(PAGE)
      .execute()
    return rows.map(({ line, text }) => ({ seq: Number(line), ...JSON.parse(text) }) as TaskEvent)
  }

  /** The last event of a kind. */
  async lastEvent(task: string, event: string): Promise<TaskEvent | null> {
    const row = await this.#db
      .selectFrom('finetune_lines')
      .select(['line', 'text'])
      .where('task', '=', task)
      .where('kind', '=', event)
      .orderBy('line', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row ? ({ seq: Number(row.line), ...JSON.parse(row.text) } as TaskEvent) : null
  }

  async #addEvent(
    db: Kysely<FineTuningTables>,
    task: string,
    event: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const text = JSON.stringify({ at: this.#now(), ...event })
    const kind = String(event.event)
    await db
      .insertInto('finetune_lines')
      .columns(['task', 'line', 'kind', 'text'])
      .expression((query) =>
        query
          .selectFrom('finetune_lines')
          .select(({ fn, val }) => [
            val(task).as('task'),
            sql<number>`${fn.coalesce(fn.max('line'), val(0))} + 1`.as('line'),
            val(kind).as('kind'),
            val(text).as('text'),
          ])
          .where('task', '=', task),
      )
      .execute()
  }

  #row(task: Task): TaskRow {
    const columns = {
      id: task.id,
      user: lower(task.user),
      node: task.node,
      state: task.state,
      version: task.version,
      created_at: task.createdAt,
      closed: Number(task.isClosed),
      record: JSON.stringify(task),
    }
    return { ...columns, mac: this.#seal.of('task', Object.values(columns)) }
  }

  #task(row: TaskRow): Task {
    if (!this.#matches(row)) throw rowTampered('task', row.id)
    return JSON.parse(row.record) as Task
  }

  #matches({ mac, id, user, node, state, version, created_at, closed, record }: TaskRow): boolean {
    return this.#seal.matches(
      'task',
      [id, user, node, state, version, Number(created_at), closed, record],
      mac,
    )
  }
}

const stateEvent = ({ state, failure }: Task) => ({ event: 'state', state, ...(failure && { failure }) })

const lower = (address: Address): Address => address.toLowerCase() as Address

const taskChanged = (id: string): AppError =>
  new AppError({
    code: 'task_changed',
    message: `The task ${id} was changed by somebody else at the same moment`,
    hint: 'Look at it again, then repeat',
    next: '0g-compute finetune status',
    retryable: true,
    status: 409,
  })
