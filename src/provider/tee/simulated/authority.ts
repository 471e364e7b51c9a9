import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { enumerated, integer, octets, oid, sequence } from './der.ts'
import { certify, extension, type Identity } from './x509.ts'

/**
 * The authority of one devnet: a root, an authority for platforms, a signer of statements, and one platform. The same
 * shape as Intel's, and no hardware behind it.
 */
export interface Authority {
  readonly root: Identity
  readonly platformCa: Identity
  readonly statements: Identity
  readonly platform: Identity
  /** Serial number of the platform's certificate. */
  readonly platformSerial: Uint8Array
}

export const NAMES = {
  root: '0g-compute simulated root',
  platformCa: '0g-compute simulated platform CA',
  statements: '0g-compute simulated statements',
  platform: '0g-compute simulated platform',
} as const

/** What the platform is: its family and how up to date it is. @see Intel SGX PCK Certificate and CRL Profile */
export const PLATFORM = {
  fmspc: '00906ed50000',
  pceSvn: 13,
  cpuSvn: Buffer.alloc(16, 3),
  pceId: '0000',
} as const

const SGX = '1.2.840.113741.1.13.1'
const YEAR_MS = 365 * 86_400_000
const DAY_MS = 86_400_000

export interface AuthorityOptions {
  /** ms */
  readonly now: number
  /** Of the platform's certificate, ms. Default 20 years from now. */
  readonly platformNotAfter?: number
  /** Of the platform authority's certificate, ms. Default as above. */
  readonly platformCaNotAfter?: number
}

export function createAuthority({ now, ...options }: AuthorityOptions): Authority {
  const notBefore = now - DAY_MS
  const end = now + 20 * YEAR_MS
  const rootKey = newKey()
  const root = {
    key: rootKey,
    certificate: certify(
      {
        subject: NAMES.root,
        issuer: NAMES.root,
        publicKey: createPublicKey(rootKey),
        isAuthority: true,
        notBefore,
        notAfter: end,
      },
      rootKey,
    ),
  }
  const platformCa = issue(
    root,
    NAMES.platformCa,
    NAMES.root,
    true,
    notBefore,
    options.platformCaNotAfter ?? end,
  )
  const statements = issue(root, NAMES.statements, NAMES.root, false, notBefore, end)
  const platformSerial = Buffer.concat([Buffer.from([0x41]), randomBytes(19)])
  const platformKey = newKey()
  const platform = {
    key: platformKey,
    certificate: certify(
      {
        subject: NAMES.platform,
        issuer: NAMES.platformCa,
        publicKey: createPublicKey(platformKey),
        isAuthority: false,
        notBefore,
        notAfter: options.platformNotAfter ?? end,
        serial: platformSerial,
        extensions: [platformExtension()],
      },
      platformCa.key,
    ),
  }
  return { root, platformCa, statements, platform, platformSerial }
}

/** A certified key below an issuer. */
export function issue(
  issuer: Identity,
  subject: string,
  issuerName: string,
  isAuthority: boolean,
  notBefore: number,
  notAfter: number,
): Identity {
  const key = newKey()
  const fields = {
    subject,
    issuer: issuerName,
    publicKey: createPublicKey(key),
    isAuthority,
    notBefore,
    notAfter,
  }
  return { key, certificate: certify(fields, issuer.key) }
}

export const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

const MEMBERS = ['root', 'platformCa', 'statements', 'platform'] as const

/** The authority as JSON; holds private keys. */
export function authorityToJson(authority: Authority): object {
  const members = MEMBERS.map((member) => {
    const { key, certificate } = authority[member]
    const exported = key.export({ type: 'pkcs8', format: 'der' }).toString('base64')
    return [member, { key: exported, certificate: Buffer.from(certificate).toString('base64') }]
  })
  return {
    ...Object.fromEntries(members),
    platformSerial: Buffer.from(authority.platformSerial).toString('hex'),
  }
}

/** @throws whatever Node says of what is no key */
export function authorityFromJson(value: unknown): Authority {
  const json = value as Readonly<Record<(typeof MEMBERS)[number], { key: string; certificate: string }>> & {
    readonly platformSerial: string
  }
  const read = (member: (typeof MEMBERS)[number]): Identity => ({
    key: createPrivateKey({ key: Buffer.from(json[member].key, 'base64'), type: 'pkcs8', format: 'der' }),
    certificate: Buffer.from(json[member].certificate, 'base64'),
  })
  return {
    root: read('root'),
    platformCa: read('platformCa'),
    statements: read('statements'),
    platform: read('platform'),
    platformSerial: Buffer.from(json.platformSerial, 'hex'),
  }
}

function platformExtension(): Uint8Array {
  const components = [...PLATFORM.cpuSvn].map((svn, index) => pair(`${SGX}.2.${index + 1}`, integer(svn)))
  const tcb = sequence(
    ...components,
    pair(`${SGX}.2.17`, integer(PLATFORM.pceSvn)),
    pair(`${SGX}.2.18`, octets(PLATFORM.cpuSvn)),
  )
  const value = sequence(
    pair(`${SGX}.1`, octets(Buffer.alloc(16))),
    pair(`${SGX}.2`, tcb),
    pair(`${SGX}.3`, octets(Buffer.from(PLATFORM.pceId, 'hex'))),
    pair(`${SGX}.4`, octets(Buffer.from(PLATFORM.fmspc, 'hex'))),
    pair(`${SGX}.5`, enumerated(0)),
  )
  return extension(SGX, value)
}

const pair = (id: string, value: Uint8Array): Buffer => sequence(oid(id), value)
