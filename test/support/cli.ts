import { spawn } from 'node:child_process'
import { join } from 'node:path'

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const PROGRAM = join(import.meta.dirname, '../../bin/0g-compute.js')

/** Runs the real command line, without what the developer's own environment sets. */
export function runCli(
  args: readonly string[],
  env: Record<string, string>,
  input: string | Uint8Array = '',
  cwd = process.cwd(),
  program = PROGRAM,
): Promise<CliResult> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(ZG_|NO_COLOR|FORCE_COLOR)/.test(name))
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...Object.fromEntries(inherited), ...env },
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, stdout, stderr }))
    // Whoever has read enough leaves.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}
