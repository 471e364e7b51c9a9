import { decryptKeystoreJson, Wallet } from 'ethers'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Address } from '../../base/hex.ts'
import type { BuyerAccount } from '../session.ts'

/**
 * An account of a Web3 keystore, version 3. It is opened here, once.
 * @throws AppError `keystore_locked`: another password, or no keystore
 */
export async function keystoreAccount(json: string, password: string): Promise<BuyerAccount> {
  const { address, privateKey } = await decryptKeystoreJson(json, password).catch(() => {
    throw new AppError({
      code: 'keystore_locked',
      message: 'The password does not open this keystore, or it is none',
      hint: 'Is it a Web3 keystore of version 3?',
      exitCode: EXIT.noKey,
    })
  })
  return { address: address as Address, signer: (rpc) => new Wallet(privateKey, rpc) }
}
