import { createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { SigningKey, Wallet } from 'ethers'
import { type Hex, hexToBytes } from '../../src/base/hex.ts'
import { datasetFile, packDataset } from '../../src/client/finetune/dataset.ts'
import { fetchSealed } from '../../src/client/finetune/download.ts'
import type { LocalTask } from '../../src/client/finetune/localTask.ts'
import type { TrainPlan } from '../../src/client/finetune/plan.ts'
import { TaskApi } from '../../src/client/finetune/taskApi.ts'
import { TaskStore } from '../../src/client/finetune/taskStore.ts'
import { unlockModel } from '../../src/client/finetune/unlockModel.ts'
import { UserKey } from '../../src/client/finetune/userKey.ts'
import { nodeRuntime } from '../../src/client/nodeRuntime.ts'
import type { Session } from '../../src/client/session.ts'
import { addressOf, signDigest } from '../../src/protocol/signature.ts'
import { encryptArtifact } from '../../src/storage/artifact/encryptArtifact.ts'
import { rootOfFile } from '../../src/storage/merkle/rootOf.ts'

/** Steps of a training with large files, each run in a process of its own by `clientMemory.test.ts`. */
const [, , step, folder = '', argument = ''] = process.argv
const at = (name: string) => join(folder, name)
const KEY = hexToBytes('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d')
const SECRET = new Uint8Array(32).fill(7)
const PIECE = Buffer.alloc(1024 * 1024, 'weights ')
const TASK_ID = 'beb6f0d8-4660-4c62-988d-00246ce913d2'

async function prepare(bytes: number): Promise<void> {
  const file = await open(at('data'), 'w')
  for (let written = 0; written < bytes; written += PIECE.length) await file.write(PIECE)
  await file.close()
  const sign = (digest: `0x${string}`) => signDigest(KEY, digest)
  await encryptArtifact({ plaintext: zipOf(bytes), target: at('sealed'), key: SECRET, sign })
  writeFileSync(at('root'), await rootOfFile(at('sealed')))
}

/** A zip with one stored file of so many bytes. */
async function* zipOf(bytes: number): AsyncGenerator<Uint8Array> {
  const name = Buffer.from('model.bin')
  const local = Buffer.alloc(30)
  local.writeUInt32LE(0x04034b50, 0)
  local.writeUInt16LE(name.length, 26)
  yield Buffer.concat([local, name])
  let crc = 0
  for (let written = 0; written < bytes; written += PIECE.length) {
    crc = crc32(PIECE, crc)
    yield PIECE
  }
  const central = Buffer.alloc(46)
  central.writeUInt32LE(0x02014b50, 0)
  central.writeUInt32LE(crc, 16)
  central.writeUInt32LE(bytes, 20)
  central.writeUInt32LE(bytes, 24)
  central.writeUInt16LE(name.length, 28)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(46 + name.length, 12)
  end.writeUInt32LE(30 + name.length + bytes, 16)
  yield Buffer.concat([central, name, end])
}

/** A broker as far as bytes go: swallows datasets, hands out the sealed model. Tells its URL and serves until it is killed. */
async function serve(): Promise<void> {
  const { size } = await stat(at('sealed'))
  const server = createServer((req, res) => {
    if (req.url?.endsWith('/lora')) {
      res.writeHead(200, { 'content-length': size })
      return void createReadStream(at('sealed')).pipe(res)
    }
    req.on('end', () => res.writeHead(200).end('{"datasetHash":"0x"}')).resume()
  })
  server.listen(0, '127.0.0.1', () =>
    console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
  )
}

const session = { runtime: nodeRuntime() } as unknown as Session
const user = new UserKey(new Wallet(`0x${'1'.repeat(64)}`))
const task = { key: 'k', taskId: TASK_ID, output: at('model'), signer: addressOf(KEY) } as LocalTask
const store = new TaskStore(folder)

async function upload(url: string): Promise<void> {
  const datasetKey = SigningKey.computePublicKey(KEY).slice(2)
  const plan = { dataset: { path: at('data') }, offer: { terms: { datasetKey } }, isSealed: true }
  await packDataset(plan as unknown as TrainPlan, {} as never, at('packed'))
  const file = await datasetFile(at('packed'), 'data')
  await new TaskApi(session.runtime, url).upload(user.address, file, '0x', 0)
}

async function download(url: string): Promise<void> {
  await store.open(task.key)
  const root = readFileSync(at('root'), 'utf8') as Hex
  await fetchSealed(session, new TaskApi(session.runtime, url), store, user, task, [root])
}

if (step === 'prepare') await prepare(Number(argument))
else if (step === 'serve') await serve()
else {
  if (step === 'upload') await upload(argument)
  if (step === 'download') await download(argument)
  if (step === 'unlock') await unlockModel(at('sealed'), task, SECRET)
  await session.runtime.close()
  console.log(Math.round(process.resourceUsage().maxRSS / 1024))
}
