import { createServer } from 'node:net'
import { AppError } from '../../base/errors.ts'

/**
 * To be asked before anything is written or sent: whether a server could listen there.
 * @throws AppError `port_in_use`, `listen_failed`
 */
export async function assertCanListen(host: string, port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenFailed(error, host, port)))
    server.listen(port, host, resolve)
  })
  await new Promise((resolve) => server.close(resolve))
}

export function listenFailed(error: NodeJS.ErrnoException, host: string, port: number): AppError {
  const inUse = error.code === 'EADDRINUSE'
  return new AppError({
    code: inUse ? 'port_in_use' : 'listen_failed',
    message: inUse ? `Port ${port} on ${host} is in use` : `Cannot listen on ${host}:${port}`,
    hint: inUse
      ? 'Another broker may be running here. Choose another port'
      : 'It is no address of this machine, or the port is not for everyone',
    next: `0g-compute provider serve ${inUse ? '--port 0' : '--host 127.0.0.1'}`,
    details: { host, port },
    cause: error,
  })
}
