import { createHash, generateKeyPairSync, randomUUID, X509Certificate } from 'node:crypto'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { TlsIdentity } from '../../src/provider/server/tls.ts'
import { certify, extension } from '../../src/provider/tee/simulated/x509.ts'

const SUBJECT_ALT_NAME = '2.5.29.17'
/** GeneralNames with one address. */
const LOOPBACK = Buffer.from([0x30, 0x06, 0x87, 0x04, 127, 0, 0, 1])

/** A key of its own and a certificate for 127.0.0.1, made now. */
export function makeTlsIdentity(): TlsIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const [notBefore, notAfter] = [Date.now() - 60_000, Date.now() + 3_600_000]
  const extensions = [extension(SUBJECT_ALT_NAME, LOOPBACK)]
  // Who trusts several finds one by its name.
  const name = randomUUID()
  const fields = {
    subject: name,
    issuer: name,
    publicKey,
    isAuthority: false,
    notBefore,
    notAfter,
    extensions,
  }
  return {
    cert: new X509Certificate(certify(fields, privateKey)).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** sha256 of a certificate's key, 64 hex digits. */
export const keyOf = ({ cert }: TlsIdentity): string =>
  createHash('sha256')
    .update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')

/** Lets this process trust certificates, as a public authority's are trusted. */
export const trust = (...identities: readonly TlsIdentity[]): void =>
  setDefaultCACertificates([...getCACertificates('default'), ...identities.map(({ cert }) => cert)])
