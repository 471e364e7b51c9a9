/**
 * The engine child: receives what to load over the IPC channel, serves it on the loopback interface, and ends with
 * its parent. It writes nothing, neither to a file nor to its output.
 */
import type { AddressInfo } from 'node:net'
import type { ChildMessage, LoadMessage, ParentMessage } from '../messages.ts'
import { createEngineServer } from './engineServer.ts'
import { LoadFailure, loadModel } from './loadModel.ts'

// A terminal and some service managers signal every process at once; the broker is still draining streams then,
// and it is the broker that ends this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

process.on('disconnect', endNow)
process.on('message', (message: ParentMessage) => {
  if (message.type === 'stop') endNow()
  else void serve(message)
})

/** At once: an orderly exit would wait for the evaluation that is running in a native thread. */
function endNow(): void {
  process.kill(process.pid, 'SIGKILL')
}

async function serve(message: LoadMessage): Promise<void> {
  try {
    const loaded = await loadModel(message)
    const server = createEngineServer(loaded, message.bearer)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      report({ type: 'ready', port, contextLength: loaded.contextLength, kinds: loaded.kinds })
    })
  } catch (error) {
    const code = error instanceof LoadFailure ? error.code : 'engine_failed'
    report({ type: 'failed', code, message: error instanceof Error ? error.message : String(error) })
  }
}

function report(message: ChildMessage): void {
  process.send?.(message)
}
