import { getAddress } from 'ethers/address'
import type { Address } from '../base/hex.ts'

/** An address as it is usually written: its case is a checksum, and calls of contracts refuse a mixed one that is not. */
export const checksummed = (address: string): Address => getAddress(address.toLowerCase()) as Address
