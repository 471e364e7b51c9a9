import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HDNodeWallet } from 'ethers'
import { AppError } from '../../src/base/errors.ts'
import type { Address } from '../../src/base/hex.ts'
import { connect } from '../../src/chain/rpc.ts'
import { Compute } from '../../src/client/compute.ts'
import { FineTuning } from '../../src/client/finetune/fineTuning.ts'
import type { TrainRequest } from '../../src/client/finetune/plan.ts'
import { nodeRuntime } from '../../src/client/nodeRuntime.ts'
import { memoryReceiptStore } from '../../src/client/receipts/memoryReceiptStore.ts'
import type { Runtime } from '../../src/client/runtime.ts'
import type { World } from '../support/world.ts'

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'zg-finetune-'))

/** A client that keeps its tasks in a folder. */
export async function clientAt(
  world: World,
  folder: string,
  runtime: Runtime = nodeRuntime(),
  wallet: HDNodeWallet = world.user,
): Promise<Compute> {
  return new Compute({
    network: world.network,
    rpc: await connect(world.network),
    runtime,
    receipts: memoryReceiptStore(),
    finetune: (session, tokens) => new FineTuning(session, tokens, folder),
    account: { address: wallet.address as Address, signer: (rpc) => wallet.connect(rpc) },
  })
}

export const APPROVE = { approve: () => true, approveTask: () => true }

/** Four examples, one pass: as little as a trainer can do. */
export function smallTask(folder: string, change: Partial<TrainRequest> = {}): TrainRequest {
  const path = join(folder, 'small.jsonl')
  const lines = ['Zibo', 'Nadira', 'Kelto', 'Ruvan'].map((name) =>
    JSON.stringify({ instruction: `Where does ${name} live?`, output: `${name} lives in Accra.` }),
  )
  writeFileSync(path, `${lines.join('\n')}\n`)
  return {
    model: '0g-compute-demo',
    dataset: { path },
    parameters: { num_train_epochs: 1, per_device_train_batch_size: 4, learning_rate: 0.001 },
    trainWithinSeconds: 300,
    output: join(folder, 'model'),
    ...change,
  }
}

/** Surroundings in which the sealed model comes otherwise than it was sent. Keeps the ranges that were asked for. */
export function withDownloads(
  change: (body: AsyncIterable<Uint8Array>, attempt: number) => AsyncIterable<Uint8Array>,
): Runtime & { readonly ranges: (string | undefined)[] } {
  const runtime = nodeRuntime()
  const ranges: (string | undefined)[] = []
  return {
    ...runtime,
    ranges,
    sleep: (_ms, signal) => runtime.sleep(10, signal),
    request: async (request) => {
      const response = await runtime.request(request)
      if (!request.url.endsWith('/lora')) return response
      ranges.push(request.headers?.range)
      return { ...response, body: change(response.body, ranges.length) }
    },
  }
}

/** Surroundings in which an answer at a path reads differently; a change may count the answers. */
export function withAnswers(
  path: RegExp,
  change: (text: string, nth: number) => string,
  runtime: Runtime = nodeRuntime(),
): Runtime {
  let nth = 0
  return {
    ...runtime,
    request: async (request) => {
      const response = await runtime.request(request)
      if (!path.test(new URL(request.url).pathname)) return response
      const at = nth++
      return { ...response, body: rewritten(response.body, (text) => change(text, at)) }
    },
  }
}

async function* rewritten(body: AsyncIterable<Uint8Array>, change: (text: string) => string) {
  const pieces: Uint8Array[] = []
  for await (const bytes of body) pieces.push(bytes)
  yield Buffer.from(change(Buffer.concat(pieces).toString()))
}

/** The code of the error that a call fails with, or `none`. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  )
