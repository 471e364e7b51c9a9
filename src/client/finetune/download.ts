import { open, rename, stat } from 'node:fs/promises'
import { AppError } from '../../base/errors.ts'
import type { Hex } from '../../base/hex.ts'
import { downloadDigest } from '../../protocol/finetune/signatures.ts'
import { filePieces } from '../../storage/filePieces.ts'
import { rootOf } from '../../storage/merkle/rootOf.ts'
import { malformedAnswer } from '../brokerError.ts'
import type { Session } from '../session.ts'
import { wrongArtifact } from './errors.ts'
import { keccak256File } from './hashFile.ts'
import type { LocalTask } from './localTask.ts'
import type { TaskApi } from './taskApi.ts'
import type { TaskStore } from './taskStore.ts'
import type { UserKey } from './userKey.ts'

export interface DownloadHooks {
  /** @param total null where the broker does not say */
  readonly onBytes?: (done: number, total: number | null) => void
  readonly signal?: AbortSignal
}

/** Attempts without a single new byte before it is given up. */
const MAX_FRUITLESS = 8
const PAUSE_MS = 2_000
const MAX_PAUSE_MS = 30_000

/**
 * Fetches the sealed model, from where an earlier attempt ended, and compares it with what is on chain.
 * @param expected roots or hashes, any of which it may have
 * @returns the hash that it has
 * @throws AppError `artifact_root_mismatch`: then nothing of it is kept
 */
export async function fetchSealed(
  session: Session,
  api: TaskApi,
  store: TaskStore,
  user: UserKey,
  task: LocalTask,
  expected: readonly Hex[],
  hooks: DownloadHooks = {},
): Promise<Hex> {
  const sealed = store.path(task, 'model.sealed')
  if ((await sizeOf(sealed)) === 0) {
    await fetchWhole(session, api, user, task.taskId!, `${sealed}.part`, hooks)
    await rename(`${sealed}.part`, sealed)
  }
  const found = await matching(sealed, expected)
  if (found.match) return found.match
  await store.remove(task, 'model.sealed')
  throw wrongArtifact(task, found.root, expected)
}

/** 0G root, or keccak256 of the bytes, which deployed brokers store for what is only on their disk. */
async function matching(path: string, expected: readonly Hex[]): Promise<{ match: Hex | null; root: Hex }> {
  // On one core: threads would take more memory than the file's pieces do.
  const root = await rootOf(filePieces(path))
  if (expected.includes(root)) return { match: root, root }
  const hash = await keccak256File(path)
  return { match: expected.includes(hash) ? hash : null, root }
}

async function fetchWhole(
  session: Session,
  api: TaskApi,
  user: UserKey,
  taskId: string,
  path: string,
  hooks: DownloadHooks,
): Promise<void> {
  for (let fruitless = 0; ; ) {
    const from = await sizeOf(path)
    try {
      await fetchFrom(session, api, user, taskId, path, from, hooks)
      return
    } catch (error) {
      hooks.signal?.throwIfAborted()
      // Killed before it got its name: there is nothing behind its last byte.
      const { code, details } = error as Partial<AppError>
      if (code === 'range_invalid' && details?.bytes === from) return
      fruitless = (await sizeOf(path)) > from ? 0 : fruitless + 1
      if (fruitless >= MAX_FRUITLESS || (error instanceof AppError && !error.retryable)) throw error
      await session.runtime.sleep(Math.min(PAUSE_MS * 2 ** fruitless, MAX_PAUSE_MS), hooks.signal)
    }
  }
}

async function fetchFrom(
  session: Session,
  api: TaskApi,
  user: UserKey,
  taskId: string,
  path: string,
  from: number,
  hooks: DownloadHooks,
): Promise<void> {
  const timestamp = Math.floor(session.runtime.now() / 1000)
  const signature = user.signPersonal(downloadDigest(taskId, timestamp))
  const response = await api.download(user.address, taskId, { signature, timestamp }, from, hooks.signal)
  const range = response.header('content-range')
  const begin = response.status === 206 ? from : 0
  if (begin > 0 && !range?.startsWith(`bytes ${from}-`)) throw malformedAnswer('the download')
  const total = totalOf(range, response.header('content-length'), begin)
  const file = await open(path, begin > 0 ? 'r+' : 'w', 0o600)
  let at = begin
  try {
    for await (const bytes of response.body) {
      await file.write(bytes, 0, bytes.length, at)
      at += bytes.length
      hooks.onBytes?.(at, total)
    }
    if (total !== null && at < total) throw cutOff(at, total)
    await file.datasync()
  } finally {
    await file.close()
  }
}

function totalOf(contentRange: string | null, contentLength: string | null, begin: number): number | null {
  const whole = /\/(\d+)$/.exec(contentRange ?? '')?.[1]
  if (whole !== undefined) return Number(whole)
  return contentLength !== null && /^\d+$/.test(contentLength) ? begin + Number(contentLength) : null
}

const sizeOf = async (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )

const cutOff = (at: number, total: number): AppError =>
  new AppError({
    code: 'download_cut_off',
    message: `The download ended after ${at} of ${total} bytes`,
    hint: 'It goes on from there',
    next: '0g-compute finetune download',
    retryable: true,
  })
