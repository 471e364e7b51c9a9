import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { extraFolder, installExtra } from '../../scripts/extras.ts'
import type { Broker } from '../../src/provider/broker.ts'
import type { Engine } from '../../src/provider/engine/engine.ts'
import { startDemo } from '../integration/engine/fixtures/engines.ts'
import { runCli } from '../support/cli.ts'
import { devnetHome } from '../support/devnetHome.ts'
import { startWorld, type World } from '../support/world.ts'

/** What is used of the client of the official SDK. */
interface McpClient {
  connect(transport: object): Promise<void>
  listTools(): Promise<{ tools: { name: string; inputSchema: object; annotations: object }[] }>
  callTool(call: { name: string; arguments?: object }): Promise<ToolResult>
  close(): Promise<void>
}

interface ToolResult {
  readonly isError?: boolean
  readonly content: { text: string }[]
}

const PROGRAM = join(import.meta.dirname, '../../bin/0g-compute.js')
const FOLDER = extraFolder('mcp')
const clients: McpClient[] = []
let world: World
let engine: Engine
let broker: Broker
let env: Record<string, string>

beforeAll(async () => {
  const problem = await installExtra('mcp')
  if (problem) throw new Error(problem)
  ;[world, engine] = await Promise.all([startWorld(), startDemo()])
  broker = await world.startBroker(engine)
  env = devnetHome(world, broker.url)
}, 120_000)

afterAll(async () => {
  for (const client of clients) await client.close()
  await world?.stop()
  await engine?.stop()
})

/** The SDK's own client, over stdio with the real command line. */
async function open(...args: string[]): Promise<McpClient> {
  const require = createRequire(join(FOLDER, 'package.json'))
  const { Client } = require('@modelcontextprotocol/sdk/client/index.js')
  const { StdioClientTransport } = require('@modelcontextprotocol/sdk/client/stdio.js')
  const client: McpClient = new Client({ name: 'test', version: '1' })
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [PROGRAM, 'mcp', ...args],
      env: { PATH: process.env.PATH!, ...env },
      cwd: FOLDER,
      stderr: 'ignore',
    }),
  )
  clients.push(client)
  return client
}

const resultIn = ({ content }: ToolResult) => JSON.parse(content[0]!.text)

describe('the MCP server', () => {
  it('describes its tools', async () => {
    const { tools } = await (await open()).listTools()
    expect(tools.map(({ name }) => name)).toEqual(['infer', 'models', 'balance', 'finetune'])
    expect(tools[0]).toMatchObject({
      inputSchema: { required: ['prompt'] },
      annotations: { readOnlyHint: false },
    })
  })

  it('sells a verified answer, and says what it cost and what is left', async () => {
    const client = await open('--budget', '0.5')
    expect(resultIn(await client.callTool({ name: 'models' })).models).toMatchObject([
      { model: 'demo', provider: broker.provider },
    ])
    const call = { name: 'infer', arguments: { prompt: 'Once upon a time', max_tokens: 8 } }
    const answer = resultIn(await client.callTool(call))
    expect(answer).toMatchObject({ model: 'demo', verdict: 'accepted', assurance: 'simulated' })
    expect(answer.text.length).toBeGreaterThan(0)
    const balance = resultIn(await client.callTool({ name: 'balance' }))
    expect(balance).toMatchObject({ providers: [{ provider: broker.provider }] })
    expect(`${balance.spentInThisSession} 0G`).toBe(answer.cost)
    expect(`${balance.budgetLeft} 0G`).toBe(answer.budgetLeft)
  })

  it('costs no more than its budget, also for calls made together', async () => {
    const client = await open('--budget', '0.0000001')
    const call = { name: 'infer', arguments: { prompt: 'Once upon a time', max_tokens: 8 } }
    const results = await Promise.all(Array.from({ length: 6 }, () => client.callTool(call)))
    const refused = results.filter(({ isError }) => isError).map(resultIn)
    expect(refused.length).toBeGreaterThan(0)
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['budget_exceeded']))
    const { budgetLeft } = resultIn(await client.callTool({ name: 'balance' }))
    expect(Number(budgetLeft)).toBeGreaterThanOrEqual(0)
  })

  it('sends nothing that could cost more than one call may', async () => {
    const client = await open('--max-cost', '0.000000000000000001')
    const result = await client.callTool({ name: 'infer', arguments: { prompt: 'x' } })
    expect([result.isError, resultIn(result).code]).toEqual([true, 'max_cost_exceeded'])
  })

  it.each([
    ['infer', {}],
    ['infer', { prompt: 'x', max_tokens: -1 }],
    ['infer', { prompt: 'x', provider: 'nobody' }],
    ['finetune', { action: 'nonsense' }],
  ])('refuses %s with %o', async (name, args) => {
    const result = await clients[0]!.callTool({ name, arguments: args })
    expect([result.isError, resultIn(result).code]).toEqual([true, 'argument_invalid'])
  })

  it('has no tool but its own', async () => {
    expect(resultIn(await clients[0]!.callTool({ name: 'shell' })).code).toBe('tool_unknown')
  })

  it('says who trains nothing yet, and which tasks there are', async () => {
    const call = (action: string) => clients[0]!.callTool({ name: 'finetune', arguments: { action } })
    expect(resultIn(await call('models'))).toEqual({ providers: [] })
    expect(resultIn(await call('status'))).toEqual({ tasks: [] })
    const create = { action: 'create', model: 'x', dataset: join(world.dir, 'missing.jsonl') }
    expect((await clients[0]!.callTool({ name: 'finetune', arguments: create })).isError).toBe(true)
  })

  it('names the command that installs what it needs', async () => {
    const { code, stdout } = await runCli(['mcp', '--json'], env, '', world.dir)
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      { code: 'mcp_missing', next: 'npm install @modelcontextprotocol/sdk zod' },
    ])
  })
})
