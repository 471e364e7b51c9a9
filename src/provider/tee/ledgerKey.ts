import { hkdfSync } from 'node:crypto'
import type { Tee } from './tee.ts'

const PURPOSE = '0g-compute ledger rows v1'

/** The key that seals the ledger's rows: of the enclave, the same in all replicas, and good for nothing else. */
export const ledgerKeyOf = ({ signerKey }: Pick<Tee, 'signerKey'>): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', signerKey, new Uint8Array(), PURPOSE, 32))
