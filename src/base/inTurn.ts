import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests of one connection that wait for the answer before theirs; a client that sends more is cut off. */
const MAX_WAITING = 64

/**
 * Answers the requests of a connection one after another. Node hands out those that did not wait for the answer before
 * theirs at once, and in many of its releases the response of such a one is never told that its client left.
 */
export function inTurn(handle: (req: IncomingMessage, res: ServerResponse) => void): RequestListener {
  const waiting = new WeakMap<Socket, number>()
  return (req, res) => {
    if (res.socket) return handle(req, res)
    const { socket } = req
    const before = waiting.get(socket) ?? 0
    if (before === MAX_WAITING) return void socket.destroy()
    waiting.set(socket, before + 1)
    res.once('socket', () => {
      waiting.set(socket, waiting.get(socket)! - 1)
      handle(req, res)
    })
  }
}
