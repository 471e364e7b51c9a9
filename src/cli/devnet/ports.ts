import { createServer } from 'node:net'
import { AppError } from '../../base/errors.ts'

const LOOPBACK = '127.0.0.1'

/**
 * The port that a part of the devnet will use: the wished one, or any free one for 0.
 * @throws AppError `port_in_use` naming the port
 */
export async function claimPort(wished: number, part: string): Promise<number> {
  const server = createServer()
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once('error', reject)
      server.listen(wished, LOOPBACK, () => resolve((server.address() as { port: number }).port))
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new AppError({
      code: 'port_in_use',
      message: `Port ${wished}, meant for the ${part}, is in use`,
      hint: 'Another program listens there. Choose another port, or 0 for any free one',
      next: `0g-compute devnet up ${part === 'chain' ? '--port' : '--provider-port'} 0`,
      details: { port: wished, part },
    })
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}
