import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { AgentOrder } from './agent.ts'

/** Longest timer that there is, ms. */
const LONGEST_MS = 2 ** 31 - 1

const { path, key, until } = JSON.parse(await text(process.stdin)) as AgentOrder

const end = (): never => {
  rmSync(path, { force: true })
  process.exit(0)
}

/** A machine that slept stopped the timer, not the clock. */
const isOver = (): boolean => Date.now() >= until

function answer(socket: Socket, word: string): void {
  if (isOver()) end()
  if (word === 'end') socket.end('ended\n', end)
  else socket.end(`${key}\n`)
}

process.umask(0o077)
rmSync(path, { force: true })
const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', (bytes) => answer(socket, String(bytes).trim()))
})
server.on('error', (error) => process.send!(error.message, () => process.exit(1)))
server.listen(path, () => {
  chmodSync(path, 0o600)
  process.send!('ready', () => setTimeout(end, Math.min(until - Date.now(), LONGEST_MS)))
})
process.on('SIGTERM', end)
