import { SigningKey } from 'ethers/crypto'
import { getBytes, hexlify } from 'ethers/utils'

/** ECDSA on secp256k1 over 32-byte digests. Public keys are 65 bytes, 4 ‖ x ‖ y. */
interface Curve {
  /** @throws when it is no private key */
  publicKey(key: Uint8Array): Uint8Array
  /** RFC 6979. `signature` is r ‖ s with low s. */
  sign(digest: Uint8Array, key: Uint8Array): { readonly signature: Uint8Array; readonly recid: number }
  /**
   * @param signature r ‖ s
   * @throws when there is no such point
   */
  recover(signature: Uint8Array, recid: number, digest: Uint8Array): Uint8Array
}

/** What is used here of `secp256k1`, which has no types of its own. */
interface NativeModule {
  publicKeyCreate(key: Uint8Array, compressed: boolean): Uint8Array
  ecdsaSign: Curve['sign']
  ecdsaRecover(signature: Uint8Array, recid: number, digest: Uint8Array, compressed: boolean): Uint8Array
}

/** In JavaScript: for browsers, and for machines that have no build of the native one. */
export const portable: Curve = {
  publicKey: (key) => getBytes(new SigningKey(key).publicKey),
  sign(digest, key) {
    const { r, s, yParity } = new SigningKey(key).sign(digest)
    return { signature: getBytes(r + s.slice(2)), recid: yParity }
  },
  recover(signature, recid, digest) {
    const [r, s] = [hexlify(signature.subarray(0, 32)), hexlify(signature.subarray(32))]
    return getBytes(SigningKey.recoverPublicKey(digest, { r, s, v: 27 + recid }))
  },
}

/** libsecp256k1: 0.03 ms a signature, where the portable one takes a millisecond. Null where there is none. */
export const native: Curve | null = loadNative()

export const secp256k1: Curve = native ?? portable

/** Asked of Node at run time, so that a bundle for browsers has nothing of it. */
function loadNative(): Curve | null {
  const createRequire = globalThis.process?.getBuiltinModule?.('node:module')?.createRequire
  if (!createRequire) return null
  try {
    const module: NativeModule = createRequire(import.meta.url)('secp256k1/bindings.js')
    return {
      publicKey: (key) => module.publicKeyCreate(key, false),
      sign: (digest, key) => module.ecdsaSign(digest, key),
      recover: (signature, recid, digest) => module.ecdsaRecover(signature, recid, digest, false),
    }
  } catch {
    return null
  }
}
