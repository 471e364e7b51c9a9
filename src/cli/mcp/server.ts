import { toAppError } from '../../base/errors.ts'
import { finetune } from './finetune.ts'
import { infer } from './infer.ts'
import { balance, models } from './readTools.ts'
import type { McpSdk, McpServer } from './sdk.ts'
import { Arguments, type Desk, type Tool } from './tool.ts'

const TOOLS: readonly Tool[] = [infer, models, balance, finetune]

/** An MCP server with our tools. A tool that fails answers with the error object, as the protocol wants it. */
export function mcpServer(sdk: McpSdk, desk: Desk, version: string): McpServer {
  const server = new sdk.Server({ name: '0g-compute', version }, { capabilities: { tools: {} } })
  server.setRequestHandler(sdk.ListToolsRequestSchema, () => ({ tools: TOOLS.map(describe) }))
  server.setRequestHandler(sdk.CallToolRequestSchema, async ({ params }, { signal }) => {
    const tool = TOOLS.find(({ name }) => name === params.name)
    if (!tool) return reply({ code: 'tool_unknown', message: `There is no tool ${params.name}` }, true)
    try {
      return reply(await tool.run(desk, new Arguments(params.arguments), signal))
    } catch (error) {
      return reply(toAppError(error).toObject(), true)
    }
  })
  return server
}

const describe = ({ name, description, inputSchema, readOnly }: Tool): object => ({
  name,
  description,
  inputSchema,
  annotations: { readOnlyHint: readOnly, openWorldHint: true },
})

const reply = (value: object, isError = false): object => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
  ...(isError ? { isError } : { structuredContent: value }),
})
