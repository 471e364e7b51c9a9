import type { Context } from '../framework/context.ts'

/** Whose provider it is. On a devnet its account is there already; elsewhere it is the wallet. */
export async function providerKey(context: Context) {
  const { devnet, network, env } = context
  if (devnet && network.kind === 'devnet' && !env.ZG_PRIVATE_KEY && !context.flags.wallet) {
    const { address, privateKey } = devnet.accounts.provider
    return { address, unlock: async () => privateKey }
  }
  return context.key()
}
