import { scrypt as nodeScrypt, randomBytes } from 'node:crypto'
import { computeAddress, decryptKeystoreJson, encryptKeystoreJson, getAddress, scrypt } from 'ethers'
import { AppError, EXIT } from '../../base/errors.ts'
import type { Hex } from '../../base/hex.ts'
import { asPrivateKey } from './privateKey.ts'

/** scrypt's cost as geth has it: about half a second natively, 128 MiB. */
const COST = { N: 131072, r: 8, p: 1 }

// OpenSSL's scrypt instead of the one in JavaScript: five times as fast.
scrypt.register(
  (password, salt, N, r, p, length) =>
    new Promise((resolve, reject) => {
      const options = { N, r, p, maxmem: 256 * N * r }
      const toHex = (key: Buffer): string => `0x${key.toString('hex')}`
      nodeScrypt(toBytes(password), toBytes(salt), length, options, (error, key) =>
        error ? reject(error) : resolve(toHex(key)),
      )
    }),
)

const toBytes = (value: string | Uint8Array): Uint8Array =>
  typeof value === 'string' ? Buffer.from(value.replace(/^0x/, ''), 'hex') : value

export const newPrivateKey = (): Hex => asPrivateKey(randomBytes(32).toString('hex'))

/** Web3 keystore v3. */
export function encryptKey(privateKey: Hex, password: string): Promise<string> {
  const account = { address: getAddress(computeAddress(privateKey)), privateKey }
  return encryptKeystoreJson(account, password, { scrypt: COST })
}

/** @throws AppError `password_wrong`, `keystore_malformed` */
export async function decryptKey(json: string, password: string): Promise<Hex> {
  try {
    return (await decryptKeystoreJson(json, password)).privateKey as Hex
  } catch (cause) {
    const wrong = cause instanceof Error && cause.message.includes('incorrect password')
    throw new AppError({
      code: wrong ? 'password_wrong' : 'keystore_malformed',
      message: wrong ? 'The password does not open this wallet' : 'The keystore cannot be read',
      hint: wrong ? 'Type it again, or check ZG_PASSWORD or ZG_PASSWORD_FILE' : 'Is it a Web3 v3 keystore?',
      exitCode: wrong ? EXIT.noKey : EXIT.malformed,
    })
  }
}
