import { createRequire } from 'node:module'
import { join } from 'node:path'
import { AppError } from '../../base/errors.ts'

/** The part of the official MCP SDK that is used here; the package need not be installed. */
export interface McpSdk {
  readonly Server: new (about: object, options: object) => McpServer
  readonly StdioServerTransport: new () => object
  readonly ListToolsRequestSchema: unknown
  readonly CallToolRequestSchema: unknown
}

export interface McpServer {
  setRequestHandler(
    schema: unknown,
    handler: (request: ToolCall, extra: { readonly signal: AbortSignal }) => unknown,
  ): void
  connect(transport: object): Promise<void>
  close(): Promise<void>
  onclose?: () => void
}

export interface ToolCall {
  readonly params: { readonly name: string; readonly arguments?: Readonly<Record<string, unknown>> }
}

const PACKAGE = '@modelcontextprotocol/sdk'

/**
 * Loads the SDK from beside this package, or from the folder that the command was started in.
 * @throws AppError `mcp_missing`
 */
export function loadSdk(): McpSdk {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    const require = createRequire(from)
    try {
      require.resolve(`${PACKAGE}/server/index.js`)
    } catch {
      continue
    }
    const parts = ['server/index.js', 'server/stdio.js', 'types.js']
    return Object.assign({}, ...parts.map((part) => require(`${PACKAGE}/${part}`))) as McpSdk
  }
  throw new AppError({
    code: 'mcp_missing',
    message: 'The MCP server needs a package that is not installed',
    hint: 'Install it beside 0g-compute, or in the folder that the command is started in',
    next: `npm install ${PACKAGE} zod`,
  })
}
