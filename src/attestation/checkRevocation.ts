import { sameBytes, strictHex } from './bytes.ts'
import { type Certificate, isSignedBy, type RevocationList, readRevocationList } from './certificates.ts'
import type { Collateral } from './collateral.ts'
import type { StepList } from './verdict.ts'

export interface RevocationCheck {
  /** Every certificate that a verdict rests on, the root among them. */
  readonly certificates: readonly Certificate[]
  readonly root: Certificate
  /** Who certified the platform. */
  readonly platformCa: Certificate
  readonly collateral: Collateral
  /** ms */
  readonly now: number
}

interface IssuedList {
  readonly list: RevocationList
  readonly issuer: Certificate
  readonly isSigned: boolean
}

const COVERS =
  'lists of the root and of the platform authority, signed and in force, name none of the certificates'

/**
 * Reads the lists of revoked certificates and starts to check their signatures, which other threads do.
 * @returns a function that draws the conclusion
 * @throws AppError `evidence_malformed`
 */
export function startRevocationCheck(check: RevocationCheck): (steps: StepList) => Promise<boolean> {
  const { root, platformCa, collateral } = check
  const rootList = readRevocationList(strictHex(collateral.root_ca_crl, 'root_ca_crl'))
  const platformList = readRevocationList(strictHex(collateral.pck_crl, 'pck_crl'))
  const pending = Promise.all([issued(rootList, root), issued(platformList, platformCa)])
  return async (steps) => {
    const fault = revocationFault(await pending, check)
    return steps.check('revocation', fault === null, COVERS, fault ?? undefined)
  }
}

const issued = async (list: RevocationList, issuer: Certificate): Promise<IssuedList> => ({
  list,
  issuer,
  isSigned: await isSignedBy(list, issuer),
})

function revocationFault(
  lists: readonly IssuedList[],
  { certificates, now }: RevocationCheck,
): string | null {
  for (const { list, issuer, isSigned } of lists) {
    if (!sameBytes(list.issuer, issuer.subject)) return 'a list has another issuer'
    if (!isSigned) return `the list of "${issuer.commonName}" is not signed by it`
    if (now < list.thisUpdate) return 'a list is from the future'
    if (now > list.nextUpdate) return `the list of "${issuer.commonName}" is out of date`
  }
  const revoked = certificates.find(({ serial, issuer }) =>
    lists.some(({ list }) => sameBytes(list.issuer, issuer) && list.serials.has(serial)),
  )
  return revoked ? `"${revoked.commonName}" is revoked` : null
}
