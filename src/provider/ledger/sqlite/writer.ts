import { parentPort, workerData } from 'node:worker_threads'
import { BatchWriter, type WriterOptions } from './batchWriter.ts'
import type { Write } from './statements.ts'

// The thread that signs and waits for the disk, so that the broker's event loop does not.
const writer = new BatchWriter(workerData as WriterOptions)

parentPort?.on('message', (batch: readonly Write[] | 'close') => {
  if (batch === 'close') return close()
  parentPort?.postMessage(writer.commit(batch))
})

function close(): void {
  writer.checkpoint()
  writer.close()
  parentPort?.close()
}
