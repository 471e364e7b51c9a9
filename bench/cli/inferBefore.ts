import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { silentLogger } from '../../src/base/log.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import { runCli } from '../../test/support/cli.ts'
import { devnetHome } from '../../test/support/devnetHome.ts'
import { startScriptedEngine } from '../../test/support/scriptedEngine.ts'
import { startWorld } from '../../test/support/world.ts'
import type { Result } from '../report.ts'
import { resultOf } from './resultOf.ts'

const ROUNDS = 7
/** The first fill the caches: what lies at the provider is read by the first one that finds it funded. */
const WARM_UP = 2
const INFER = ['infer', 'x', '--model', 'steady', '--max-tokens', '2']

/**
 * From starting the process to the arrival of its request at the provider: `infer` on a funded account, its caches
 * warm, everything on this machine. Node's own start is part of it.
 */
export async function measureInferBefore(program: string): Promise<Result> {
  const [world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  const engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  let arrivedAt = 0
  let target = ''
  const front = createServer((req, res) => {
    if (req.method === 'POST') arrivedAt = performance.now()
    const onward = request(target + req.url, { method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(res)
    })
    req.pipe(onward)
  })
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  try {
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`
    const broker = await world.startBroker(engine, { publicUrl: url })
    target = `http://127.0.0.1:${broker.port}`
    const env = devnetHome(world, url)
    await runCli(['fund', '1', '--provider', broker.provider], env, '', process.cwd(), program)
    const times: number[] = []
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      const startedAt = performance.now()
      const { code, stderr } = await runCli(INFER, env, '', process.cwd(), program)
      if (code !== 0) throw new Error(stderr)
      if (round >= WARM_UP) times.push(arrivedAt - startedAt)
    }
    return resultOf('inferBefore', times, 'ms')
  } finally {
    await world.stop()
    await engine.stop()
    await scripted.stop()
    front.closeAllConnections()
    front.close()
  }
}
