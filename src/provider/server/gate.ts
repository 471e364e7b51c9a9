import type { IncomingMessage } from 'node:http'
import type { Account } from '../../chain/inference.ts'
import type { SessionClaims } from '../../protocol/sessionToken.ts'
import type { RequestSignature } from '../../protocol/signedRequest.ts'
import type { AccountBook } from '../accounts.ts'
import { type Authenticator, assertNotRevoked, type CheckedToken, isRevoked } from './authenticate.ts'
import { clientAddress } from './clientAddress.ts'
import type { KeyLimit } from './limits/keyLimits.ts'
import type { Limiter } from './limits/limiter.ts'
import type { Strangers } from './limits/strangers.ts'
import type { RequestSignatures } from './requestSignatures.ts'

/** Largest body of a caller without an account, bytes: it is read only to tell what the request would cost. */
export const STRANGER_BODY_BYTES = 64 * 1024

export interface GateOptions {
  readonly authenticator: Authenticator
  readonly signatures: RequestSignatures
  readonly accounts: AccountBook
  readonly strangers: Strangers
  readonly limiter: Limiter
}

/** Who a caller is, and how that is known. */
export interface Caller {
  readonly claims: SessionClaims
  /** By a session key that signed this request, or by a token that whoever has it can use. */
  readonly auth: 'session' | 'bearer'
  /** What the token may spend; null where its owner set no limit. */
  readonly limit: KeyLimit | null
  /** Null for bearer tokens. */
  readonly signed: RequestSignature | null
}

/** A caller whose token is good. */
export interface Visitor extends Caller {
  /** The sub-account as it is known, null when there is none. */
  readonly account: Account | null
  /** Asks the chain again, within what strangers may cost. @throws AppError `unknown_callers_limited` */
  refresh(): Promise<Account | null>
}

/** Says who a caller is, at a cost that callers who are nobody's customer cannot raise. */
export class Gate {
  readonly #options: GateOptions

  constructor(options: GateOptions) {
    this.#options = options
  }

  /** @throws AppError `token_…`, `request_…` (401), `unknown_callers_limited` (429) */
  caller(req: IncomingMessage): Caller {
    const token = this.#token(req)
    const { claims, limit } = token
    if (token.hash === null) return { claims, limit, auth: 'bearer', signed: null }
    return { claims, limit, auth: 'session', signed: this.#options.signatures.verify(req, token) }
  }

  #token(req: IncomingMessage): CheckedToken {
    const { authenticator, strangers } = this.#options
    const { authorization } = req.headers
    if (!authorization || authenticator.isKnown(authorization))
      return authenticator.authenticate(authorization)
    const giveBack = strangers.take(this.#ip(req))
    const token = authenticator.authenticate(authorization)
    giveBack()
    return token
  }

  /** The caller and its account; what the cache holds costs nothing. */
  async enter(req: IncomingMessage): Promise<Visitor> {
    const caller = this.caller(req)
    const { claims } = caller
    const { accounts } = this.#options
    const known = accounts.known(claims.address)
    const refresh = () => accounts.refresh(claims.address)
    const read = known === undefined ? () => accounts.get(claims.address) : refresh
    // Somebody new, or a large body of somebody who had no account a moment ago.
    const isNew = known === undefined || (known === null && mayBeLarge(req))
    let account = isNew ? await this.#lookUp(req, read) : known
    if (account && isRevoked(claims, account)) account = await refresh()
    if (account) assertNotRevoked(claims, account)
    return { ...caller, account, refresh: account ? refresh : () => this.#lookUp(req, refresh) }
  }

  async #lookUp(req: IncomingMessage, read: () => Promise<Account | null>): Promise<Account | null> {
    const giveBack = this.#options.strangers.take(this.#ip(req))
    const account = await read()
    if (account) giveBack()
    return account
  }

  #ip = (req: IncomingMessage): string => clientAddress(req, this.#options.limiter.limits.trustProxy)
}

const mayBeLarge = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > STRANGER_BODY_BYTES
