import { expect, it } from 'vitest'
import { silentLogger } from '../../../src/base/log.ts'
import { startServer } from '../../../src/provider/engine/spawned/serverProcess.ts'
import { type Launch, SupervisedEngine } from '../../../src/provider/engine/supervisedEngine.ts'

const COMMAND = {
  program: process.execPath,
  args: ['-e', 'setInterval(() => {}, 1000)'],
  env: {},
  install: '',
}

it('an engine that is stopped while it starts again does not load its model to the end first', async () => {
  let starts = 0
  const launch: Launch = async (_adapters, signal) => {
    // The first is there at once; the second loads for ever.
    const isFirst = ++starts === 1
    const server = await startServer(COMMAND, async () => isFirst, signal)
    return { ...server, baseUrl: '', headers: {}, models: [], tokenizer: undefined }
  }
  const engine = await SupervisedEngine.start('llama-server', launch, silentLogger)
  process.kill(-engine.pid, 'SIGKILL')
  await expect.poll(() => starts).toBe(2)
  await engine.stop()
  expect(engine.state).toBe('stopped')
})
