import type { Context } from '../framework/context.ts'

/** Whether the network in use is a devnet that is up. */
export function isOnDevnet({ devnet, settings }: Context): boolean {
  return devnet !== null && (settings.get('network') ?? devnet.network.name) === devnet.network.name
}

/** A wallet made or chosen on a devnet does not pay there by itself. */
export function notePayer(context: Context, wallet: string): void {
  if (isOnDevnet(context))
    context.out.note(`The devnet's own account goes on to pay there, unless you say --wallet ${wallet}`)
}
