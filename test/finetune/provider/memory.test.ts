import { Readable } from 'node:stream'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uploadDigest } from '../../../src/protocol/finetune/signatures.ts'
import { hasTrainer, type TaskClient } from './taskClient.ts'
import { startTuner, type Tuner } from './tuner.ts'

const PIECE = Buffer.alloc(1 << 20, 'x')
const MEGABYTES = 384
const MOST_MORE = 160 * 2 ** 20

let tuner: Tuner
let client: TaskClient

beforeAll(async () => {
  if (!hasTrainer) return
  tuner = await startTuner()
  client = tuner.client
}, 120_000)

afterAll(() => tuner?.stop())

describe.skipIf(!hasTrainer)('a large dataset', () => {
  it('is hashed, sealed and stored as it arrives, in memory that does not grow with it', async () => {
    const timestamp = Math.floor(Date.now() / 1000)
    const signature = await client.sign(uploadDigest(client.address, timestamp))
    const before = process.memoryUsage().rss
    let peak = before
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss)
    }, 50)
    const response = await request(`${client.base}/user/${client.address}/dataset`, {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=edge' },
      body: Readable.from(form(signature, timestamp)),
      headersTimeout: 240_000,
      bodyTimeout: 240_000,
    })
    clearInterval(watch)
    expect(await response.body.json()).toMatchObject({
      datasetHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    })
    // Client and broker are one process here.
    expect(peak - before).toBeLessThan(MOST_MORE)
  }, 300_000)
})

async function* form(signature: string, timestamp: number): AsyncGenerator<Buffer> {
  const part = (name: string) =>
    Buffer.from(`--edge\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`)
  yield part('file')
  for (let i = 0; i < MEGABYTES; i++) yield PIECE
  yield Buffer.concat([Buffer.from('\r\n'), part('signature'), Buffer.from(`${signature}\r\n`)])
  yield Buffer.concat([part('timestamp'), Buffer.from(`${timestamp}\r\n--edge--\r\n`)])
}
