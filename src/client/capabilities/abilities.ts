/** What a broker says that it can do, as far as this client makes use of it. */
export interface Abilities {
  /** Takes tokens that are bound to a session key, and requests signed by it. */
  readonly signedRequests: boolean
  /** Takes tokens that name chain and contract. */
  readonly tokenDomain: boolean
  /** Counts what a token spends that carries a limit, and stops it there. */
  readonly keyLimits: boolean
  /** Opens sealed requests; null where it does not say, like brokers of the deployed protocol. */
  readonly sealedRequests: boolean | null
  /** Opens those for images and for Anthropic's messages too. */
  readonly sealsMore: boolean
}

/** Of a broker that serves no list. */
export const NO_ABILITIES: Abilities = {
  signedRequests: false,
  tokenDomain: false,
  keyLimits: false,
  sealedRequests: null,
  sealsMore: false,
}

/** Reads the body of `GET /v1/capabilities`; what cannot be read can do nothing. */
export function abilitiesIn(document: string | null): Abilities {
  const { signedRequests, tokenDomain, keyLimits, e2ee } = parse(document) ?? {}
  if (document === null) return NO_ABILITIES
  const has = (version: unknown, least = 1): boolean => typeof version === 'number' && version >= least
  return {
    signedRequests: has(signedRequests),
    tokenDomain: has(tokenDomain),
    keyLimits: has(keyLimits),
    sealedRequests: has(e2ee),
    sealsMore: has(e2ee, 2),
  }
}

function parse(document: string | null): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(document ?? 'null')
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null
  } catch {
    return null
  }
}
