import { getAddress } from 'ethers'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Address, Hex } from '../../base/hex.ts'
import type { Context } from '../framework/context.ts'
import { askSecret, canAsk, needsTerminal } from '../framework/prompt.ts'
import { readSecretFile } from '../framework/secretFile.ts'
import type { StoredWallet } from '../framework/wallets.ts'

/** Keeps a key in an encrypted file; the first wallet becomes the one in use. */
export async function keepKey(
  context: Context,
  name: string,
  key: () => Promise<Hex>,
): Promise<StoredWallet> {
  const { wallets, settings, out } = context
  wallets.assertFree(name)
  const privateKey = await key()
  const password = await newPassword(context)
  const isFirst = wallets.names().length === 0
  const progress = await out.progress('Encrypting')
  try {
    const stored = await wallets.add(name, privateKey, password)
    if (isFirst) settings.save({ wallet: name })
    return { ...stored, address: getAddress(stored.address) as Address }
  } finally {
    progress.stop()
  }
}

/** A new password: from the environment, or typed twice. */
async function newPassword({ env, out }: Context): Promise<string> {
  if (env.ZG_PASSWORD !== undefined) return assertPassword(env.ZG_PASSWORD)
  if (env.ZG_PASSWORD_FILE) {
    return assertPassword(readSecretFile(env.ZG_PASSWORD_FILE, (text) => out.warn(text)))
  }
  if (!canAsk()) throw needsTerminal('A wallet needs a password', 'Set ZG_PASSWORD_FILE, or ZG_PASSWORD')
  const first = assertPassword(await askSecret('New password'))
  if ((await askSecret('The same again')) === first) return first
  throw passwordInvalid('The two passwords differ')
}

function assertPassword(password: string): string {
  if (password.length > 0) return password
  throw passwordInvalid('The password is empty')
}

const passwordInvalid = (message: string): AppError =>
  new AppError({ code: 'password_invalid', message, hint: 'Nothing was kept', exitCode: EXIT.usage })
