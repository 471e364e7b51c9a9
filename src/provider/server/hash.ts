import { hash } from 'node:crypto'

/** sha256 as 64 lower-case hex digits. */
export const sha256Hex = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex')
