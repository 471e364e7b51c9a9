import { keccak256 } from 'ethers/crypto'
import { createKeccak, type IHasher } from 'hash-wasm'
import { bytesToHex, type Hex, hexToBytes } from './hex.ts'

/** WebAssembly, once it is compiled: ten times as fast. Until then, and where it may not run, JavaScript. */
let compiled: IHasher | null = null
createKeccak(256).then(
  (hasher) => {
    compiled = hasher
  },
  () => {},
)

/** keccak-256 of bytes, 32 bytes. */
export const keccak = (bytes: Uint8Array): Uint8Array =>
  compiled ? compiled.init().update(bytes).digest('binary') : hexToBytes(keccak256(bytes))

/** keccak-256 of a text's UTF-8 bytes. */
export const keccakText = (text: string): Hex => `0x${bytesToHex(keccak(new TextEncoder().encode(text)))}`
