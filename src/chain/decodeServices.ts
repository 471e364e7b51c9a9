import { type Address, bytesToHex, hexToBytes } from '../base/hex.ts'
import { keccak } from '../base/keccak.ts'
import type { Service } from './inference.ts'

const WORD = 64
const text = new TextDecoder()
const encoder = new TextEncoder()

/**
 * What `getAllServices` returns: `(Service[] services, uint256 total)`. By hand, because ethers takes a millisecond for
 * each service, and there may be thousands.
 * @throws RangeError for what is none
 * @see https://docs.soliditylang.org/en/latest/abi-spec.html#formal-specification-of-the-encoding
 */
export function decodeServices(result: string): { readonly services: Service[]; readonly total: number } {
  const words = new Words(result.slice(2))
  const array = words.from(words.size(0))
  const count = array.size(0)
  if (count > result.length) throw new RangeError('not a list of services')
  const tuples = array.from(WORD / 2)
  const services = Array.from({ length: count }, (_, i) => serviceIn(tuples.from(tuples.size(i))))
  return { services, total: words.size(1) }
}

const serviceIn = (tuple: Words): Service => ({
  provider: tuple.address(0),
  serviceType: tuple.text(1),
  url: tuple.text(2),
  inputPrice: tuple.uint(3),
  outputPrice: tuple.uint(4),
  updatedAt: tuple.size(5),
  model: tuple.text(6),
  verifiability: tuple.text(7),
  additionalInfo: tuple.text(8),
  teeSignerAddress: tuple.address(9),
  teeSignerAcknowledged: tuple.size(10) === 1,
})

/** 32-byte words, by number, from some place on. */
class Words {
  readonly #hex: string
  readonly #start: number

  constructor(hex: string, start = 0) {
    this.#hex = hex
    this.#start = start
  }

  /** @param bytes further on */
  from(bytes: number): Words {
    return new Words(this.#hex, this.#start + 2 * bytes)
  }

  uint(index: number): bigint {
    return BigInt(`0x${this.#word(index)}`)
  }

  /** A length, an offset or a time. */
  size(index: number): number {
    const value = Number(this.uint(index))
    if (!Number.isSafeInteger(value)) throw new RangeError('a number of the chain is too large')
    return value
  }

  address(index: number): Address {
    return withChecksum(this.#word(index).slice(24))
  }

  text(index: number): string {
    const at = this.from(this.size(index))
    const length = 2 * at.size(0)
    const start = at.#start + WORD
    if (start + length > this.#hex.length) throw new RangeError('a text of the chain has no end')
    return text.decode(hexToBytes(this.#hex.slice(start, start + length)))
  }

  #word(index: number): string {
    const start = this.#start + index * WORD
    if (start + WORD > this.#hex.length) throw new RangeError('the answer of the chain has no end')
    return this.#hex.slice(start, start + WORD)
  }
}

/** @see https://eips.ethereum.org/EIPS/eip-55 */
function withChecksum(digits: string): Address {
  const hash = bytesToHex(keccak(encoder.encode(digits)))
  let address = ''
  for (let i = 0; i < digits.length; i++) {
    address += hash[i]! >= '8' ? digits[i]!.toUpperCase() : digits[i]
  }
  return `0x${address}`
}
