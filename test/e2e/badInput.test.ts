import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import type { Broker } from '../../src/provider/broker.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { attachUrlEngine } from '../../src/provider/engine/url/attachUrlEngine.ts'
import { runCli } from '../support/cli.ts'
import { devnetHome } from '../support/devnetHome.ts'
import { type ScriptedEngine, startScriptedEngine } from '../support/scriptedEngine.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
let scripted: ScriptedEngine
let engine: Engine
let broker: Broker
let env: Record<string, string>
let otherChain: Server

beforeAll(async () => {
  ;[world, scripted] = await Promise.all([startWorld(), startScriptedEngine()])
  engine = await attachUrlEngine({ target: scripted.target, logger: silentLogger })
  broker = await world.startBroker(engine)
  env = devnetHome(world, broker.url)
  otherChain = createServer((_req, res) => res.end('{"jsonrpc":"2.0","id":1,"result":"0x1"}'))
  await new Promise<void>((resolve) => otherChain.listen(0, '127.0.0.1', resolve))
})

afterAll(async () => {
  otherChain?.close()
  await world?.stop()
  await engine?.stop()
  await scripted?.stop()
})

interface Case {
  readonly what: string
  readonly args: readonly string[]
  readonly env?: Record<string, string>
  readonly code: string
  readonly exit: number
}

const ASK = ['infer', 'hello', '--model', 'steady', '--max-tokens', '4']
const NOBODY = `0x${'11'.repeat(20)}`
const POOR = Wallet.createRandom().privateKey

const CASES: readonly Case[] = [
  { what: 'a key that is none', args: ASK, env: { ZG_PRIVATE_KEY: '0xzz' }, code: 'key_invalid', exit: 4 },
  { what: 'an empty wallet', args: ASK, env: { ZG_PRIVATE_KEY: POOR }, code: 'insufficient_funds', exit: 5 },
  { what: 'more than the wallet has', args: ['fund', '99999999'], code: 'insufficient_funds', exit: 5 },
  { what: 'an unknown provider', args: [...ASK, '--provider', NOBODY], code: 'provider_unknown', exit: 1 },
  { what: 'an address that is none', args: [...ASK, '--provider', '0x12'], code: 'address_invalid', exit: 2 },
  { what: 'an unknown model', args: ['infer', 'hello', '--model', 'gpt-99'], code: 'model_unknown', exit: 1 },
  { what: 'an amount that is none', args: ['fund', 'much'], code: 'amount_invalid', exit: 2 },
  { what: 'an unknown network', args: ['network', 'use', 'nowhere'], code: 'network_unknown', exit: 2 },
  { what: 'an unknown command', args: ['infre', 'hello'], code: 'command_unknown', exit: 2 },
  {
    what: 'an RPC that is down',
    args: ['fund', 'status', '--rpc', 'http://127.0.0.1:1'],
    code: 'rpc_unreachable',
    exit: 1,
  },
  {
    what: 'an engine that fails',
    args: ['infer', 'hello', '--model', 'fails'],
    code: 'engine_failed',
    exit: 1,
  },
  {
    what: 'an engine that dies',
    args: ['infer', 'hello', '--model', 'dies', '--max-tokens', '50'],
    code: 'engine_died',
    exit: 1,
  },
  {
    what: 'too little to spend',
    args: [...ASK, '--max-cost', '0.000000000000000001'],
    code: 'max_cost_exceeded',
    exit: 5,
  },
  { what: 'no prompt', args: ['infer'], code: 'prompt_missing', exit: 2 },
]

describe('bad input has its own code, message and next step', () => {
  it.each(CASES)('$what', async ({ args, env: more = {}, code, exit }) => {
    const json = await runCli([...args, '--json'], { ...env, ...more })
    const error = JSON.parse(json.stdout)
    expect(error).toMatchObject({ code })
    expect(error.message.length).toBeGreaterThan(10)
    expect(error.hint ?? error.next).toBeTruthy()
    expect(json.code).toBe(exit)

    const text = await runCli(args, { ...env, ...more })
    expect(text.code).toBe(exit)
    expect(text.stderr).toContain(`(${code})`)
    expect(text.stderr + text.stdout).not.toContain(POOR)
  })

  it('an RPC of another chain', async () => {
    const rpc = `http://127.0.0.1:${(otherChain.address() as AddressInfo).port}`
    const { stdout } = await runCli(['fund', 'status', '--rpc', rpc, '--json'], env)
    expect(JSON.parse(stdout)).toMatchObject({ code: 'wrong_chain' })
  })

  it('a provider that is down, and nothing is lost', async () => {
    await broker.stop({ graceMs: 0 })
    const { stdout, code } = await runCli([...ASK, '--json'], env)
    expect(JSON.parse(stdout)).toMatchObject({ code: 'provider_unreachable', retryable: true })
    expect(code).toBe(1)
    const back = await runCli(['fund', 'withdraw', '--all', '--json'], env)
    expect(back.code, back.stdout + back.stderr).toBe(0)
  })
})
