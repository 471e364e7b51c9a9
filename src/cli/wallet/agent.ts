import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError, EXIT } from '../../base/errors.ts'
import { type Address, type Hex, hexToBytes, sameAddress } from '../../base/hex.ts'
import { addressOf } from '../../protocol/signature.ts'

/** What an agent is started with. Comes to it on its stdin: arguments and environment can be read by others. */
export interface AgentOrder {
  /** Its socket, in a folder that its owner alone can enter. */
  readonly path: string
  readonly key: Hex
  /** ms since 1970. */
  readonly until: number
}

const PATIENCE_MS = 2000
const KEY = /^0x[0-9a-f]{64}$/

/** The key of an unlocked wallet, or null where no agent holds it. */
export async function askAgent(path: string, address: Address): Promise<Hex | null> {
  const answer = await say(path, 'key')
  if (!KEY.test(answer)) return null
  const key = answer as Hex
  return sameAddress(addressOf(hexToBytes(key)), address) ? key : null
}

/** Ends the agent of a wallet. @returns whether there was one */
export async function endAgent(path: string): Promise<boolean> {
  return (await say(path, 'end')) === 'ended'
}

/** Starts a process that holds a key until its time is over. @throws AppError `agent_unavailable` */
export async function startAgent(order: AgentOrder): Promise<void> {
  if (process.platform === 'win32') throw unavailable('Windows has no sockets that belong to one user alone')
  await endAgent(order.path)
  const program = fileURLToPath(new URL(`agentProcess${extname(import.meta.url)}`, import.meta.url))
  const child = spawn(process.execPath, [program], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
    cwd: '/',
    env: {},
  })
  child.stdin!.end(JSON.stringify(order))
  const [said] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  if (said !== 'ready') throw unavailable(typeof said === 'string' ? said : 'its process ended')
  child.disconnect()
  child.unref()
}

/** One word to an agent, and what it answers; empty where there is none. */
function say(path: string, word: 'key' | 'end'): Promise<string> {
  if (!existsSync(path)) return Promise.resolve('')
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(path, () => socket.write(`${word}\n`))
    socket.setTimeout(PATIENCE_MS, () => socket.destroy())
    socket.on('data', (bytes) => {
      answer += bytes
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer.trim()))
  })
}

const unavailable = (why: string): AppError =>
  new AppError({
    code: 'agent_unavailable',
    message: `The wallet cannot be kept unlocked: ${why}`,
    hint: 'Each command asks for its password, or reads ZG_PASSWORD_FILE',
    next: '0g-compute help environment',
    exitCode: EXIT.unsupported,
  })
