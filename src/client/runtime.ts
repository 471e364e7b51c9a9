/** An HTTP request; the body is sent as these very bytes. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Instead of `body`: in pieces, with its `content-length` among the headers. */
  readonly stream?: AsyncIterable<Uint8Array>
  /** It asks for what anybody may read, and carries nothing: the key that `expectTlsKey` names is not asked for. */
  readonly isPublic?: boolean
  readonly signal?: AbortSignal
  /** Until the response's headers, ms. */
  readonly headersTimeoutMs: number
  /** Between two pieces of the body, ms. */
  readonly bodyTimeoutMs: number
}

export interface HttpResponse {
  readonly status: number
  /** @param name lower case */
  header(name: string): string | null
  /** Content-decoded bytes. Reading throws when the connection breaks before the end. */
  readonly body: AsyncIterable<Uint8Array>
  /** sha256 of the TLS key that the connection ends at, 64 hex digits; null without TLS, and where it is not shown. */
  readonly tlsKey: string | null
}

/** sha256 over bytes as they pass. */
export interface Hasher {
  update(bytes: Uint8Array): void
  /** 64 hex digits. */
  digest(): string
}

/** What the client needs of its surroundings: Node has one (`nodeRuntime.ts`), a browser another. */
export interface Runtime {
  /** @throws AppError `provider_unreachable`, `provider_slow`, `tls_key_mismatch` before anything was sent */
  request(request: HttpRequest): Promise<HttpResponse>
  /**
   * Requests to the host of a URL go only over connections that end at this TLS key, where it can be seen.
   * @param owner whose service is there: of several, each one's key is asked for
   * @param key sha256, 64 hex digits; null for any
   */
  expectTlsKey(owner: string, url: string, key: string | null): void
  sha256(): Hasher
  /** @returns lower-case hex */
  randomHex(bytes: number): string
  /** ms */
  now(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}
